(() => {
  // Tabulator gives the part that scrolls a place in the order of the Tab key and no role, so that who reads the screen
  // by ear finds a grid whose child is no row.  With rows it is told to be their group; without, nothing scrolls.
  const tell = (holder, rows) => {
    if (rows.childElementCount) {
      holder.setAttribute("role", "rowgroup");
      holder.setAttribute("tabindex", "0");
    } else {
      holder.removeAttribute("role");
      holder.removeAttribute("tabindex");
    }
  };
  const mend = (grid) => {
    const holder = grid.querySelector(":scope > .tabulator-tableholder");
    const rows = holder && holder.querySelector(":scope > .tabulator-table");
    if (!rows) return false;
    rows.setAttribute("role", "presentation");
    tell(holder, rows);
    new MutationObserver(() => tell(holder, rows)).observe(rows, { childList: true });
    return true;
  };
  const watch = (grid) => {
    if (mend(grid)) return;
    const seen = new MutationObserver(() => { if (mend(grid)) seen.disconnect(); });
    seen.observe(grid, { childList: true, subtree: true });
  };
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) {
          const grid = node.querySelector && node.querySelector(":scope > .tabulator");
          if (grid) watch(grid);
        }
      }
    }).observe(root, { childList: true });
    return root;
  };
})();
