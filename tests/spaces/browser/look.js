// What an eye would find wrong on the page as it stands: sentences, none when all is well.
() => {
  const wrong = new Set();
  const seen = (node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const told = (node) => String(node.value ?? node.textContent).trim().slice(0, 60);

  // Figures draw points, lines or cells, and have room for them.
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {
    if (!seen(plot)) continue;
    const marks = plot.querySelectorAll('.trace .point, .trace .js-line, .contourlayer path, .heatmaplayer image');
    const height = plot.querySelector('.nsewdrag')?.getBoundingClientRect().height ?? 0;
    if (marks.length < 3 || height < 120) wrong.add(`an empty figure: ${marks.length} marks, ${height} pixels high`);
  }

  // Nothing reaches beyond the screen and no text is cut; what scrolls by itself may be wider.
  const scrolls = (node) => {
    for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
      const overflow = getComputedStyle(at).overflowX;
      if ((overflow === 'auto' || overflow === 'scroll') && at.scrollWidth > at.clientWidth) return true;
    }
    return false;
  };
  if (document.documentElement.scrollWidth > innerWidth) wrong.add('the page scrolls sideways');
  const words = 'label, span, p, li, td, th, h1, h2, h3, button, input, textarea, svg text';
  for (const node of document.querySelectorAll(words)) {
    const box = node.getBoundingClientRect();
    if (!seen(node) || !told(node) || box.width < 3 || box.height < 3 || scrolls(node)) continue;
    if (box.left < -1 || box.right > innerWidth + 1) wrong.add(`beyond the screen: ${told(node)}`);
    const hides = node.matches('input:not([type=radio])') || /hidden|clip/.test(getComputedStyle(node).overflowX);
    if (hides && node.scrollWidth > node.clientWidth + 1) wrong.add(`cut: ${told(node)}`);
  }

  // Words of a figure do not lie on each other.
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {
    const texts = seen(plot) ? [...plot.querySelectorAll('svg text')].filter((text) => seen(text) && told(text)) : [];
    const boxes = texts.map((text) => text.getBoundingClientRect());
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
      const [width, height] = [
        Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
      if (width > 2 && height > 4) wrong.add(`words overlap: ${told(texts[i])} / ${told(texts[i + 1 + j])}`);
    }));
  }

  // Contrast of words with what lies behind them is 4.5 at least (WCAG 2.2, 1.4.3).
  const channels = (text) => text.match(/[\d.]+/g).map(Number);
  const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (color) => {
    const [red, green, blue] = color.slice(0, 3).map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if ((color[3] ?? 1) > 0.9) return color;
    }
    return [255, 255, 255];
  };
  for (const node of document.querySelectorAll('label span, .prose p, .prose td, button[role=tab], .main-svg text')) {
    if (!seen(node) || !told(node)) continue;
    const style = getComputedStyle(node);
    const [front, back] = [light(channels(node.tagName === 'text' ? style.fill : style.color)), light(behind(node))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) wrong.add(`contrast ${ratio.toFixed(1)}: ${told(node)}`);
  }
  return [...wrong];
}
