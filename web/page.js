// Draws every chart specification of the page. A specification is plain JSON; only the tooltip needs code.
const ink = getComputedStyle(document.documentElement);
Chart.defaults.color = ink.getPropertyValue('--soft').trim();
Chart.defaults.borderColor = ink.getPropertyValue('--rule').trim();

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

for (const source of document.querySelectorAll('script.chart')) {
  const spec = JSON.parse(source.textContent);
  for (const axis of Object.values(spec.options.scales)) {
    // A logarithmic axis labels the decades and leaves the ticks between them bare.
    axis.ticks = { callback: (value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? short.format(value) : '') };
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
