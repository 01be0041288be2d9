(() => {
  // Before anything is painted: what the address asks for, else what was chosen last, else what the system likes.
  const asked = new URLSearchParams(location.search).get("theme");
  let kept = null;
  try { kept = localStorage.getItem("workbench-theme"); } catch { /* a private window keeps nothing */ }
  const liked = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const theme = ["light", "dark"].find((name) => name === asked) || kept || liked;
  document.documentElement.dataset.theme = theme;
})();
