import { stringify } from 'yaml';
import { slug } from '../names.ts';
import type { Draft } from './draft.ts';
import { complexRecordsOf, type ImportedRecords, recordsOf } from './record-maps.ts';
import type { TranslationReport } from './rules.ts';
import type { RecordProperty } from './sides.ts';

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
