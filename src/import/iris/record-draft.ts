import { stringify } from 'yaml';
import type { XmlNode } from '../../mirth/e4x/node.ts';
import { slug } from '../names.ts';
import { DATES } from './cel.ts';
import type { Draft } from './draft.ts';
import type { TranslationReport } from './rules.ts';
import type { RecordProperty } from './sides.ts';
import { attribute, elements, lookedAt, type SourceXml, wholeText } from './source-xml.ts';

/** The record maps of an export, and which classes are their records. */
export class RecordDraft {
  readonly #draft: Draft;
  /** By the name of their class, and by those of their records. */
  readonly #records = new Map<string, { readonly name: string; readonly made: ImportedRecords }>();

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#readClasses();
  }

  /** Name → file, for the production. */
  get files(): Record<string, string> {
    const names = new Set([...this.#records.values()].map(({ name }) => name));
    return Object.fromEntries(
      [...names]
        .filter((name) => this.#draft.files.has(`records/${name}.yaml`))
        .map((name) => [name, `records/${name}.yaml`]),
    );
  }

  isRecord(className: string): boolean {
    return this.#records.has(className);
  }

  /** Which classes are records of record maps, before a transform asks. */
  #readClasses(): void {
    const silent: TranslationReport = { mark: () => undefined, look: () => undefined };
    for (const { name, data } of this.#draft.export.classes.values()) {
      const xml = data.get('RecordMap');
      if (xml === undefined || !/<Record\b/.test(xml.text)) continue;
      const made = recordsOf(xml, silent);
      const entry = { name: slug(name), made };
      this.#records.set(name, entry);
      if (made.classes.record !== '') this.#records.set(made.classes.record, entry);
    }
  }

  /** The record map of a class, which is written when an item first uses it. */
  map(
    className: string,
    told: TranslationReport,
  ): { name: string; made: ImportedRecords } | undefined {
    this.#draft.used.add(className);
    const known = this.#records.get(className);
    const own = this.#draft.export.classes.get(className);
    const [simple, complex] = [own?.data.get('RecordMap'), own?.data.get('ComplexBatch')];
    if (known !== undefined && this.#draft.files.has(`records/${known.name}.yaml`)) return known;
    const inner = this.#draft.told(className);
    const made =
      simple !== undefined
        ? recordsOf(simple, inner)
        : complex !== undefined
          ? complexRecordsOf(complex, inner, (one) => {
              this.#draft.used.add(one);
              return this.#draft.export.classes.get(one)?.data.get('RecordMap');
            })
          : undefined;
    if (made === undefined) return undefined;
    const before = this.#draft.lines.filter(
      ({ kind, channel }) => kind === 'mark' && channel === className,
    ).length;
    if (before > 0)
      told.mark(className, 'record maps', `its record map ${className} has places to be done`);
    const entry = { name: known?.name ?? slug(className), made };
    this.#records.set(className, entry);
    const isMarked = before > 0 ? { ...made.map, undone: 'UNDONE' } : made.map;
    this.#draft.files.set(`records/${entry.name}.yaml`, stringify(isMarked, { lineWidth: 120 }));
    this.#draft.line('made', className, 'record map', {
      category: 'made',
      text: `records ${entry.name}`,
    });
    return entry;
  }

  /** The properties of a record, by the name of its class. */
  propertiesOf(className: string): ReadonlyMap<string, RecordProperty> | undefined {
    const found = this.#records.get(className);
    return found?.made.classes.record === className ? found.made.properties : undefined;
  }
}

type Block = Record<string, unknown>;

/** What a record map, or a map of several records, became. */
interface ImportedRecords {
  /** The YAML of the record map. */
  readonly map: Block;
  /** The kind of record of a simple map. */
  readonly kind: string;
  /** How the properties of one record are read. */
  readonly properties: ReadonlyMap<string, RecordProperty>;
  /** The classes of one record, and of all records of a file. */
  readonly classes: { readonly record: string; readonly batch: string };
}

/** The name of the list of records, as it is in the class of a batch. */
const LIST = 'Records';

/** Marks and line ends are written `\x0d\x0a`. */
const unescaped = (text: string): string =>
  text
    .replaceAll(/\\x([0-9a-f]{2})/gi, (_, code: string) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    )
    .replaceAll(/\\([nrt])/g, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? '');

const TYPES: Readonly<Record<string, string>> = {
  '%Integer': 'integer',
  '%Numeric': 'decimal',
  '%Decimal': 'decimal',
  '%Double': 'decimal',
  '%Float': 'decimal',
};

const plainType = (type: string): string => type.replace(/^%Library\./, '%');

/** The default of `%Date`. */
const ODBC = '3';

/** Translates a record map. */
function recordsOf(xml: SourceXml, told: TranslationReport): ImportedRecords {
  const root = xml.root;
  const reading = new RecordReading(root, told);
  const kind = reading.kind();
  return {
    map: { ...reading.layout(), records: { [LIST]: kind } },
    kind: LIST,
    properties: reading.properties,
    classes: { record: attribute(root, 'targetClassname'), batch: attribute(root, 'batchClass') },
  };
}

/** Translates a map of several kinds of records; `mapOf` gives the map of one kind. */
function complexRecordsOf(
  xml: SourceXml,
  told: TranslationReport,
  mapOf: (className: string) => SourceXml | undefined,
): ImportedRecords | undefined {
  const root = xml.root;
  const kinds: Record<string, Block> = {};
  let layout: Block | undefined;
  for (const { name, at, recordMap, isNested } of referencesOf(root)) {
    const own = mapOf(recordMap);
    if (own === undefined) {
      told.mark(name, 'record maps', `the record map ${recordMap} is not in the export`);
      continue;
    }
    if (isNested)
      told.mark(
        name,
        'record maps',
        'belongs to the record before it: here each kind is a list of its own, so write how they belong together',
      );
    const reading = new RecordReading(own.root, told);
    const kind = reading.kind();
    if (layout !== undefined && layout['format'] !== reading.layout()['format'])
      told.mark(name, 'record maps', 'is of another format than the records before it');
    layout ??= reading.layout();
    kinds[name] = { ...kind, ...(at !== undefined && { at }) };
  }
  if (layout === undefined) return undefined;
  const classes = { record: '', batch: attribute(root, 'targetClassname') };
  return { map: { ...layout, records: kinds }, kind: '', properties: new Map(), classes };
}

interface Reference {
  readonly name: string;
  readonly at?: 'first' | 'last';
  readonly recordMap: string;
  readonly isNested: boolean;
}

function referencesOf(root: XmlNode): Reference[] {
  const visit = (of: XmlNode, depth: number): Reference[] =>
    elements(of).flatMap((one): Reference[] => {
      for (const name of ['required', 'repeating', 'minRepeats', 'maxRepeats'])
        attribute(one, name);
      if (one.name === 'RecordSequence') return visit(one, depth + 1);
      const inner = elements(one);
      if (one.name === 'annotation') return [];
      const at = { Header: 'first' as const, Trailer: 'last' as const }[one.name];
      const given = attribute(one, 'recordMap') === '' ? inner[0] : one;
      if (given === undefined) return [];
      const isNested = depth > 1 || (depth === 1 && isBeside(of, one));
      return [
        {
          name: attribute(given, 'name') || one.name,
          ...(at !== undefined && { at }),
          recordMap: attribute(given, 'recordMap'),
          isNested,
        },
      ];
    });
  attribute(root, 'char_encoding');
  return visit(root, 0);
}

/** Whether a sequence has several records, of which this is not the first. */
const isBeside = (sequence: XmlNode, one: XmlNode): boolean =>
  sequence.children.filter(({ kind }) => kind === 'element').indexOf(one) > 0;

class RecordReading {
  readonly properties = new Map<string, RecordProperty>();
  readonly #root: XmlNode;
  readonly #told: TranslationReport;
  readonly #separators: readonly string[];

  constructor(root: XmlNode, told: TranslationReport) {
    this.#root = root;
    this.#told = told;
    const [list] = elements(root, 'Separators');
    this.#separators = elements(list, 'Separator').map(
      (one) => unescaped(wholeText(one) || attribute(one, 'value')) || ' ',
    );
    for (const name of [
      'complexBatchManaged',
      'allowEarlyTerminator',
      'fieldSeparator',
      'paddedRecords',
      'padFromLeft',
    ])
      attribute(root, name);
    for (const one of elements(root, 'annotation')) lookedAt(one);
  }

  get #isFixed(): boolean {
    return /^fixed/i.test(attribute(this.#root, 'type'));
  }

  layout(): Block {
    const charset = attribute(this.#root, 'char_encoding');
    const end = unescaped(attribute(this.#root, 'recordTerminator'));
    if (!/^(?:\r\n|\n|\r|)$/.test(end))
      this.#mark(
        'its records end with something other than a line end: write how they are separated',
      );
    const escaping = attribute(this.#root, 'escaping');
    const sequence = attribute(this.#root, 'escapeSequence');
    if (escaping !== '' && !(escaping === 'quote' && (sequence === '' || sequence === '"')))
      this.#mark(
        `its separators are escaped by ${escaping} ${sequence}: here values with a separator are in quotes`,
      );
    const [mark = ','] = this.#separators;
    if (!this.#isFixed && mark.length !== 1)
      this.#mark(`its fields are separated by ${JSON.stringify(mark)}, and not by one character`);
    return {
      ...(this.#isFixed ? { format: 'fixed' } : { delimiter: mark.slice(0, 1) }),
      ...(charset !== '' && !/^utf-?8$/i.test(charset) && { charset: charset.toLowerCase() }),
      ...(end === '\r\n' && { lineEnd: 'crlf' }),
    };
  }

  #mark(text: string): void {
    this.#told.mark('record map', 'record maps', text);
  }

  /** The kind of its records; a label that begins each of them is a field of its own. */
  kind(): Block {
    const label = unescaped(
      attribute(this.#root, 'label') ||
        attribute(this.#root, 'LeadingData') ||
        attribute(this.#root, 'leadingData'),
    );
    const fields = elements(this.#root).flatMap((one) => this.#field(one));
    if (label === '') return { fields };
    const [mark = ','] = this.#separators;
    if (!this.#isFixed && !label.endsWith(mark)) {
      this.#mark(`its records begin with ${label}, which is no field: write when`);
      return { fields };
    }
    const own = this.#isFixed ? label : label.slice(0, -mark.length);
    const isThere = !this.#isFixed && attribute(this.#root, 'label') === '';
    const first = this.#isFixed ? { name: 'label', width: label.length } : 'label';
    return { when: own, fields: isThere ? fields : [first, ...fields] };
  }

  #field(one: XmlNode): Block[] {
    for (const name of ['index', 'column', 'position', 'ignored', 'sqlColumn'])
      attribute(one, name);
    for (const note of elements(one, 'annotation')) lookedAt(note);
    if (one.name === 'Composite') return this.#composite(one);
    if (one.name !== 'Field') return [];
    const name = attribute(one, 'name');
    this.properties.set(name, { field: name });
    if (/^(?:1|true)$/.test(attribute(one, 'repeating')))
      this.#mark(`its field ${name} has several values: they are one text here`);
    return [
      {
        name,
        ...this.#typeOf(one),
        ...(/^(?:1|true)$/.test(attribute(one, 'required')) && { required: true }),
        ...this.#widthOf(one),
      },
    ];
  }

  #widthOf(one: XmlNode): Block {
    if (!this.#isFixed) return {};
    const pad = unescaped(
      attribute(this.#root, 'padChar') || attribute(this.#root, 'paddingChars') || ' ',
    ).slice(0, 1);
    const isLeft = /^(?:1|true)$/.test(attribute(this.#root, 'padFromLeft'));
    const width = Number(attribute(one, 'width') || attribute(one, 'fieldWidth')) || 0;
    if (width === 0) this.#mark(`its field ${attribute(one, 'name')} has no width`);
    return { width: width || 1, ...(pad !== ' ' && { pad }), ...(isLeft && { align: 'right' }) };
  }

  #typeOf(one: XmlNode): Block {
    const type = plainType(attribute(one, 'datatype'));
    const params = attribute(one, 'params');
    const known = TYPES[type];
    if (known !== undefined) return { type: known };
    if (type !== '%Date') return {};
    const format = DATES[/FORMAT\s*=\s*(\d+)/.exec(params)?.[1] ?? ODBC];
    if (format !== undefined) return { type: 'date', format };
    this.#mark(`its field ${attribute(one, 'name')} is a date of the form ${params}`);
    return {};
  }

  /** A field whose parts have separators of their own: one field here, whose parts are read by number. */
  #composite(one: XmlNode): Block[] {
    const name = attribute(one, 'name');
    attribute(one, 'required');
    if (this.#isFixed) return elements(one).flatMap((inner) => this.#field(inner));
    const mark = this.#separators[1] ?? ',';
    let isDeep = false;
    for (const part of elements(one, 'Field'))
      for (const known of ['required', 'datatype', 'index', 'params', 'repeating', 'ignored'])
        attribute(part, known);
    for (const part of elements(one, 'Composite')) lookedAt(part);
    const parts = one.children.filter(
      (part) => part.kind === 'element' && /^(?:Field|Composite)$/.test(part.name),
    );
    for (const [index, part] of parts.entries()) {
      if (part.name === 'Field')
        this.properties.set(attribute(part, 'name'), {
          field: name,
          piece: { mark, number: index + 1 },
        });
      else isDeep = true;
    }
    const field = isDeep ? 'parts of parts' : 'parts';
    if (isDeep) this.#mark(`its field ${name} has ${field}: read them with piece`);
    else
      this.#told.look(
        'record map',
        'record maps',
        `its field ${name} is one text; its ${field} are read with piece`,
      );
    this.properties.set(name, { field: name });
    return [{ name }];
  }
}
