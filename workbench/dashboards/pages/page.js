(() => {
  const root = document.documentElement;
  const button = document.querySelector("button.theme");
  const show = () => button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("workbench-theme", root.dataset.theme); } catch { /* a private window keeps nothing */ }
    show();
    window.dispatchEvent(new Event("resize")); // plots draw their text again
  });
  show();
  const current = document.querySelector("nav a[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest", inline: "center" });
})();
