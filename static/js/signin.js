// The sign-in's last page: closes itself where the browser lets it, or goes back to the window that had to make room for it.
// The sentence stays for when neither is possible.
if (document.querySelector("[data-close]")) {
  const back = sessionStorage.getItem("ipex-back");
  sessionStorage.removeItem("ipex-back");
  if (back?.startsWith("/window/")) location.replace(back);
  else setTimeout(() => window.close(), 800);
}
