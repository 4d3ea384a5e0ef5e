// Draws every chart specification of the page. A specification is plain JSON; only the tooltip needs code.
const ink = getComputedStyle(document.documentElement);
Chart.defaults.color = ink.getPropertyValue('--soft').trim();
Chart.defaults.borderColor = ink.getPropertyValue('--rule').trim();

// Three significant digits with an SI prefix: 12300 is 12.3k, 2e15 is 2P.
const short = {
  format(value) {
    const power = Math.min(6, Math.max(0, Math.floor(Math.log10(Math.abs(value)) / 3)));
    return `${Number((value / 1000 ** power).toPrecision(3))}${['', 'k', 'M', 'G', 'T', 'P', 'E'][power]}`;
  },
};

for (const source of document.querySelectorAll('script.chart')) {
  const spec = JSON.parse(source.textContent);
  for (const axis of Object.values(spec.options.scales)) {
    // A logarithmic axis labels the decades and leaves the ticks between them bare.
    const isBare = (value) => axis.type === 'logarithmic' && Math.abs(Math.log10(value) % 1) >= 1e-9;
    axis.ticks = { callback: (value) => (isBare(value) ? '' : short.format(value)) };
  }
  spec.options.plugins.tooltip = {
    callbacks: {
      label: (item) =>
        `${item.dataset.label}, ${item.raw.label}: ${short.format(item.raw.x)}, ${short.format(item.raw.y)}`,
    },
  };
  spec.options.plugins.legend.labels = {
    usePointStyle: true,
    filter: (entry) => !entry.text.endsWith(' phases'),
  };
  new Chart(source.previousElementSibling.querySelector('canvas'), spec);
}
