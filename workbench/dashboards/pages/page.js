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
  // Tabs can be reached by keyboard, but hear nothing of it by themselves.
  document.addEventListener("keydown", (event) => {
    const target = event.composedPath()[0];
    if ((event.key === "Enter" || event.key === " ") && target.classList?.contains("bk-tab")) {
      event.preventDefault();
      target.click();
    }
  });
  const lost = document.querySelector(".lost");
  const watch = () => {
    const page = window.Bokeh?.documents?.[0];
    if (page === undefined) return void setTimeout(watch, 250);
    page.on_event("connection_lost", () => {
      lost.innerHTML = 'The server does not answer; trying again. <a href="">Load the page anew</a>';
      lost.classList.add("shown");
    });
    page.on_event("client_reconnected", () => lost.classList.remove("shown"));
  };
  watch();
  const current = document.querySelector("nav a[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest", inline: "center" });
})();
