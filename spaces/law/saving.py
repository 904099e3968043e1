"""Save what a view shows as files, in the browser alone."""

import gradio as gr

# Saves the text of a box, or a figure through its own button for that.
SAVE = """(text) => {{
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {{type: '{kind}'}}));
  link.download = '{file}'; link.click(); URL.revokeObjectURL(link.href); return [];
}}"""
EXPORT = """() => {{
  const figure = document.querySelector('#{place} .js-plotly-plot');
  figure._context.toImageButtonOptions = {{format: '{kind}', filename: '{file}', scale: 2}};
  figure.querySelector('.modebar-btn[data-attr="toImage"], .modebar-btn[data-title*="ownload"]').click(); return [];
}}"""


def figure_buttons(place: str, file: str, of: str = "") -> None:
    """Add buttons that save the figure with the id `place` as PNG and SVG, named `file`; `of` says of what it is."""
    for kind in ("png", "svg"):
        label = f"Save {kind.upper()}{f' of {of}' if of else ''}"
        export = EXPORT.format(place=place, kind=kind, file=file)
        gr.Button(label, size="sm").click(None, js=export, api_visibility="private")


def save_text(button: gr.Button, text: gr.Textbox, file: str, kind: str) -> None:
    """Let a button save the text of a box as `file` of the media type `kind`."""
    button.click(None, text, js=SAVE.format(file=file, kind=kind), api_visibility="private")
