import { delimitedDocument } from '../../document/delimited/delimited-document.ts';
import { EngineError } from '../../error/engine-error.ts';

/** How many rows of a sample are read. */
const ROWS = 1_000;

/** Date formats that are looked for in a sample. */
const DATES: readonly (readonly [pattern: RegExp, format: string])[] = [
  [/^(?:19|20)\d{2}[01]\d[0-3]\d$/, 'yyyyMMdd'],
  [/^\d{4}-\d{2}-\d{2}$/, 'yyyy-MM-dd'],
  [/^\d{2}\.\d{2}\.\d{4}$/, 'dd.MM.yyyy'],
  [/^\d{2}\/\d{2}\/\d{4}$/, 'MM/dd/yyyy'],
  [/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/, 'yyyy-MM-ddTHH:mm:ss'],
];

/**
 * A first record map for a delimited sample, as YAML: its delimiter, whether its first line names
 * the columns, and the type of each column as far as all its values agree.
 */
export function sampleMap(bytes: Uint8Array): string {
  const document = delimitedDocument(bytes, { header: false });
  const count = Math.min(document.rowCount, ROWS);
  const rows = Array.from({ length: count }, (_, at) => document.row(at + 1)).filter(
    (row) => row.length > 1 || row[0] !== '',
  );
  const [first] = rows;
  if (first === undefined) throw new EngineError('QUERY_INVALID', 'the sample has no records');
  const names = new Set(first).size === first.length && first.every((cell) => /^\p{L}/u.test(cell));
  const values = names ? rows.slice(1) : rows;
  const width = Math.max(...rows.map((row) => row.length));
  const fields = Array.from({ length: width }, (_, at) => {
    const name = names && first[at] !== undefined ? first[at].trim() : `field${at + 1}`;
    return fieldText(
      name,
      values.map((row) => row[at]?.trim() ?? ''),
    );
  });
  return `# Made from a sample: check each type, and what is required. Values with leading zeros are texts.
delimiter: ${JSON.stringify(document.delimiter)}
${names ? 'names: true\n' : ''}records:
  detail:
    fields:
${fields.map((field) => `      - ${field}`).join('\n')}
`;
}

function fieldText(name: string, values: readonly string[]): string {
  const given = values.filter((value) => value !== '');
  const parts = [`name: ${JSON.stringify(name)}`];
  const date = DATES.find(([pattern]) => given.every((value) => pattern.test(value)));
  if (given.length > 0) {
    if (date !== undefined) parts.push('type: date', `format: ${JSON.stringify(date[1])}`);
    else if (given.every((value) => /^-?(?:0|[1-9]\d{0,14})$/.test(value))) {
      parts.push('type: integer');
    } else if (given.every((value) => /^-?(?:0|[1-9]\d{0,14})(?:[.,]\d+)?$/.test(value))) {
      parts.push('type: decimal');
    }
    if (given.length === values.length) parts.push('required: true');
  }
  return `{ ${parts.join(', ')} }`;
}
