// The demo page's language switch; the widget follows through its public SDK.
const languageButton = document.getElementById("language");

function show(language) {
  const key = language === "en" ? "en" : "zh";
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-zh]")) element.textContent = element.dataset[key];
  languageButton.textContent = key === "en" ? "中文" : "English";
  languageButton.lang = key === "en" ? "zh-CN" : "en";
  localStorage.setItem("spruce-language", language);
  window.Jieli?.setLocale?.(language);
}

languageButton.addEventListener("click", () => show(document.documentElement.lang === "en" ? "zh-CN" : "en"));
document.getElementById("ask").addEventListener("click", () => window.Jieli?.open?.());
const wanted = localStorage.getItem("spruce-language") ?? (navigator.language.startsWith("zh") ? "zh-CN" : "en");
if (wanted === "en") show("en");
