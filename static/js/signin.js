// The sign-in's last page: closes itself where the browser lets it. The sentence stays for when it does not.
if (document.querySelector("[data-close]")) setTimeout(() => window.close(), 800);
