FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
COPY . /tmp/soundtrack
RUN pip install /tmp/soundtrack && rm -r /tmp/soundtrack && useradd --uid 1000 --create-home film
USER 1000
WORKDIR /films
ENTRYPOINT ["soundtrack"]
