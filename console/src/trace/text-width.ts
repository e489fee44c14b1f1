let pen: CanvasRenderingContext2D | null | undefined;
let measured = '';

/** The width of a text in the page's font, in pixels; letters differ too much to count them. */
export function textWidth(text: string, size: number, weight = 400): number {
  pen ??= document.createElement('canvas').getContext('2d');
  if (pen === null) return text.length * size * 0.6;
  const font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  if (font !== measured) pen.font = font;
  measured = font;
  return pen.measureText(text).width;
}

/** As much of a text as fits into this many pixels, and at least some of it. */
export function fitted(text: string, room: number, size: number, weight = 400): string {
  if (textWidth(text, size, weight) <= room) return text;
  let low = 3;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (textWidth(`${text.slice(0, middle)}…`, size, weight) <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low).trimEnd()}…`;
}
