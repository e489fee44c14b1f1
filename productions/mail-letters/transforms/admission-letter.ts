import { defineTransform } from 'waybill';

const FIELDS = [
  ['Patient number', 'PID-3.1'],
  ['Visit', 'PV1-19.1'],
  ['Ward', 'PV1-3.1'],
  ['Bed', 'PV1-3.3'],
  ['Insurance', 'IN1-4.1'],
] as const;

/** The admission as a letter in HTML. A template could not do it: values have to be escaped. */
export default defineTransform(({ document }) => {
  const rows = FIELDS.map(([name, path]) => [name, document.get(path)] as const)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `<tr><th align="left">${name}</th><td>${escaped(value)}</td></tr>`);
  return {
    body: `<p>A patient was admitted.</p>\n<table>\n${rows.join('\n')}\n</table>\n`,
    type: 'text/html',
  };
});

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
