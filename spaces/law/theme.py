"""Set the page's style: system fonts (nothing is fetched), contrast in light and dark, one column on a phone."""

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")

THEME = gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=SANS, font_mono=MONO, radius_size="sm")

# Figures take text and axis colours from the page, so that one figure serves light and dark.
CSS = """
.gradio-container { max-width: min(1180px, 100vw) !important; margin: 0 auto; }
.gradio-container :is(.main, .contain, .column, .prose) { min-width: 0 !important; }
.gradio-container :is(.main, .contain, .column, .block, .prose) { max-width: 100% !important; }
.js-plotly-plot .main-svg text { fill: var(--body-text-color) !important; }
.js-plotly-plot .hoverlayer text { fill: #fff !important; }
.js-plotly-plot .hoverlayer path { fill: #1f2937 !important; stroke: #9ca3af !important; }
.js-plotly-plot .modebar { opacity: .55; }
#banner { border-left: 4px solid #D55E00; padding: 6px 12px; }
#notice { border-left: 4px solid #0072B2; padding: 6px 12px; }
button[role=tab].selected { color: var(--primary-700) !important; }
.dark button[role=tab].selected { color: var(--primary-400) !important; }
.reading { font-size: .92em; }
.prose table { display: block; overflow-x: auto; border: 0 !important; width: auto; }
.responses .cell-wrap span { white-space: pre-wrap !important; }
.copyable { padding-right: 40px !important; }
.prose td, .prose th { white-space: nowrap; }
:focus-visible { outline: 2px solid #0072B2; outline-offset: 2px; }
@media (max-width: 480px) {
  .gradio-container { padding: 6px !important; }
  .gradio-container main { padding: 0 !important; }
  .copyable { padding: 28px 0 0 !important; }
  .form > #ladder { min-width: 100% !important; }
  .form > .block { min-width: calc(50% - 8px) !important; }
  .prose td, .prose th { white-space: normal; overflow-wrap: normal; word-break: normal; padding: 4px 6px !important;
    font-size: .9em; }
}
"""

# Screen readers get figures by their labels; words and tables nearby say what they show. The label of a text to copy
# names its button, so the text gets its name here.
JS = """
() => {
  const name = () => {
    document.querySelectorAll('.js-plotly-plot:not([role])').forEach((figure) => {
      const label = figure.closest('.block')?.querySelector('[data-testid=block-label]');
      figure.setAttribute('role', 'figure');
      figure.setAttribute('aria-label', label ? label.textContent.trim() : 'figure');
    });
    document.querySelectorAll('textarea[disabled]:not([aria-label])').forEach((text) => {
      const label = text.closest('label').querySelector('[data-testid=block-info]');
      text.setAttribute('aria-label', label.textContent.trim());
    });
  };
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
}
"""
