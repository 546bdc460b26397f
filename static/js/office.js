// The admin's frame: "/" goes to the search, as its key says.
(() => {
  "use strict";

  const typing = (target) => target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    const search = document.getElementById("office-search");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
})();
