
(() => {
  const spoken = document.documentElement.lang;
  const locale = navigator.language.startsWith(spoken) ? navigator.language : spoken;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString(locale, { hour: "numeric", minute: "2-digit" });
    const day = at.toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
    time.textContent = at.toDateString() === new Date().toDateString() ? clock : `${day}, ${clock}`;
  }
  const left = document.querySelector("[data-left]");
  if (!left) return;
  const words = new Intl.RelativeTimeFormat(spoken, { style: "short" });
  const units = [[172800, 86400, "day"], [7200, 3600, "hour"], [60, 60, "minute"], [1, 1, "second"]];
  const count = () => {
    const seconds = Math.ceil(left.dataset.left - performance.now() / 1000);
    const [, length, unit] = units.find(([least]) => seconds >= least) || [];
    const said = unit ? words.format(Math.round(seconds / length), unit) : left.dataset.over;
    if (left.textContent !== said) left.textContent = said;
    if (unit) setTimeout(count, 1000);
  };
  count();
})();
