/**
 * Reads the tables of `map/`: which field of a segment, or component of a data type, becomes which
 * element of a resource. One line is one row:
 *
 *     SOURCE TARGET [FORM] [KEY=FORM …] [? CONDITION …]
 *
 * SOURCE is `5` (a field, or in a data type a component), `5.1`, `OBX-6` (a field of a segment
 * above or of the current one) or `*` (once, without a source). TARGET is a path of elements:
 * `name+` adds to a list, `name[0]` is that entry of a list, `name?` is written only if it is not
 * there yet, `.` is the element itself, and `Encounter/` in front names another resource of the
 * message. Instead of a target, `-` says that FHIR expresses the field by its structure. FORM says
 * how the value is written: a primitive (`string`, `dateTime`), a table of codes (`code/Gender`), another
 * table of rows (`CX`, `CWE/0006` with its HL7 table), `"fixed"`, `$extension` (its url), `~ATND`
 * (a fixed concept), `@Practitioner:XCN` (a reference to a resource made of it) or `->Patient` (to
 * the current one); `^3:` in front reads another source. CONDITIONS: `4`, `!4`, `OBX-2=NM|SN`,
 * `#5>1` (repetitions), `no:value` and `has:value` (whether an element begins with that).
 */
export interface FhirMap {
  readonly name: string;
  readonly rows: readonly MapRow[];
}

export interface MapRow {
  readonly source: Source | undefined;
  readonly target: Target | undefined;
  readonly form: Form | undefined;
  readonly extras: readonly { readonly target: Target; readonly form: Form }[];
  readonly conditions: readonly RowCondition[];
}

/** Where a value is: in the part at hand, or in the first such segment. */
export interface Source {
  readonly segment: string | undefined;
  readonly numbers: readonly number[];
}

export interface Target {
  /** The resource it is in; undefined for the one at hand. */
  readonly resource: string | undefined;
  readonly steps: readonly TargetStep[];
  readonly ifMissing: boolean;
  /** Its path, unless it is an entry that is added to a list, or the element at hand. */
  readonly only: string | undefined;
}

export interface TargetStep {
  readonly name: string;
  /** A position, `add`, or undefined for an element that occurs once. */
  readonly entry: number | 'add' | undefined;
}

export interface Form {
  readonly kind: 'fixed' | 'extension' | 'concept' | 'made' | 'current' | 'named';
  /** The text, code or name. */
  readonly name: string;
  /** What follows `/`, or the table of rows of a made resource. */
  readonly table: string | undefined;
  readonly source: Source | undefined;
}

export interface RowCondition {
  readonly kind: 'valued' | 'empty' | 'is' | 'not' | 'repeats' | 'single' | 'no' | 'has';
  readonly source: Source;
  readonly values: readonly string[];
}

/** The tables in a text: each begins with `= NAME`; lines that begin with `#` are remarks. */
export function readMaps(text: string): FhirMap[] {
  const maps: { name: string; rows: MapRow[] }[] = [];
  for (const line of text.split('\n')) {
    const tokens = line.match(/[^\s"]*"[^"]*"|\S+/g) ?? [];
    const [first, second] = tokens;
    if (first === undefined || first === '#') continue;
    if (first === '=' && second !== undefined) maps.push({ name: second, rows: [] });
    else maps.at(-1)?.rows.push(readRow(tokens));
  }
  return maps;
}

function readRow(tokens: readonly string[]): MapRow {
  const at = tokens.indexOf('?');
  const [source = '', target = '', ...forms] = at < 0 ? tokens : tokens.slice(0, at);
  const conditions = at < 0 ? [] : tokens.slice(at + 1).map(readCondition);
  const form = forms.find((token) => !isExtra(token));
  return {
    source: source === '*' ? undefined : readSource(source),
    target: target === '-' ? undefined : readTarget(target),
    form: form === undefined ? undefined : readForm(form),
    extras: forms.filter(isExtra).map((token) => {
      const cut = token.indexOf('=');
      return { target: readTarget(token.slice(0, cut)), form: readForm(token.slice(cut + 1)) };
    }),
    conditions,
  };
}

const isExtra = (token: string): boolean => /^[\w.[\]+?]+=/.test(token);

function readSource(text: string): Source {
  const [, segment, numbers = ''] = /^(?:([A-Z]\w\w)-)?([\d.]+)$/.exec(text) ?? [];
  if (numbers === '') throw new Error(`no source: ${text}`);
  return { segment, numbers: numbers.split('.').map(Number) };
}

function readTarget(text: string): Target {
  const [, resource, path = ''] = /^(?:(\w+)\/)?(.*)$/.exec(text) ?? [];
  const ifMissing = path.endsWith('?');
  const bare = path.replace(/\?$/, '');
  const steps = path === '.' ? [] : bare.split('.').map(readStep);
  return {
    resource,
    steps,
    ifMissing,
    only: path === '.' || path.includes('+') ? undefined : bare,
  };
}

function readStep(text: string): TargetStep {
  const [, name = '', index] = /^(\w+)(?:\+|\[(\d+)\])?$/.exec(text) ?? [];
  if (name === '') throw new Error(`no element: ${text}`);
  const entry = text.endsWith('+') ? 'add' : undefined;
  return { name, entry: index === undefined ? entry : Number(index) };
}

function readForm(text: string): Form {
  const [, elsewhere, rest = ''] = /^(?:\^([^:]+):)?(.*)$/s.exec(text) ?? [];
  const source = elsewhere === undefined ? undefined : readSource(elsewhere);
  const form = (kind: Form['kind'], name: string, table?: string): Form => ({
    kind,
    name,
    table,
    source,
  });
  if (rest.startsWith('"')) return form('fixed', rest.slice(1, -1));
  if (rest.startsWith('$')) return form('extension', rest.slice(1));
  if (rest.startsWith('~')) return form('concept', rest.slice(1));
  if (rest.startsWith('->')) return form('current', rest.slice(2));
  const [name = '', table] = rest.split(/[/:]/, 2);
  return rest.startsWith('@') ? form('made', name.slice(1), table) : form('named', name, table);
}

const NOWHERE: Source = { segment: undefined, numbers: [] };

function readCondition(text: string): RowCondition {
  const [, kind, element = ''] = /^(no|has):(.+)$/.exec(text) ?? [];
  if (kind === 'no' || kind === 'has') return { kind, source: NOWHERE, values: [element] };
  const [, counted, count] = /^#([^>=]+)([>=])1$/.exec(text) ?? [];
  if (counted !== undefined) {
    return { kind: count === '>' ? 'repeats' : 'single', source: readSource(counted), values: [] };
  }
  if (text.includes('=')) return readComparison(text);
  const isEmpty = text.startsWith('!');
  const source = readSource(isEmpty ? text.slice(1) : text);
  return { kind: isEmpty ? 'empty' : 'valued', source, values: [] };
}

/** `2=P` and `2!=P|N` */
function readComparison(text: string): RowCondition {
  const [, left = '', no, right = ''] = /^([\w.-]+)(!)?=(.+)$/.exec(text) ?? [];
  const kind = no === undefined ? 'is' : 'not';
  return { kind, source: readSource(left), values: right.split('|') };
}
