FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
COPY . /tmp/soundtrack
RUN pip install /tmp/soundtrack && rm -r /tmp/soundtrack && useradd --create-home film
USER film
WORKDIR /films
ENTRYPOINT ["soundtrack"]
