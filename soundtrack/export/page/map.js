"use strict";
const player = document.querySelector("audio");
const shown = document.getElementById("shown");
const count = document.getElementById("count");
const dots = [...document.querySelectorAll("#plane button")];
const rows = [...document.querySelectorAll("#list li")];

function play(item) {
  for (const one of [...dots, ...rows]) one.classList.toggle("now", one.dataset.n === item.dataset.n);
  const dot = dots[Number(item.dataset.n)];
  shown.textContent = dot.title;
  player.src = dot.dataset.url;
  player.play().catch(() => { shown.textContent = dot.title + ": this browser cannot play the file"; });
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let n = 0;
  dots.forEach((dot, i) => {
    const fits = words.every((word) => word[0] === "-" && word.length > 1
      ? !dot.dataset.words.includes(word.slice(1)) : dot.dataset.words.includes(word));
    dot.hidden = rows[i].hidden = !fits;
    n += fits;
  });
  count.textContent = n + " of " + dots.length;
}

for (const item of [...dots, ...document.querySelectorAll("#list button")]) {
  item.addEventListener("click", () => play(item));
}
document.getElementById("words").addEventListener("input", (event) => filter(event.target.value));
