import type { Setting, SettingKind, Settings } from '../../adapter/setting.ts';
import { splitProblem } from '../problem.ts';
import { isAbsent, type Written, type WrittenScalar } from '../written/written.ts';
import { type Form, type Reading, report, reportBelow } from './form.ts';
import { settingSchema } from './setting-schema.ts';

/** Reads a value with the setting types of adapters, so that `30s` means the same everywhere. */
export function settingForm<Value>(setting: Setting<Value, unknown>): Form<Value> {
  return {
    read(written, reading) {
      const read = setting.read(given(setting, written), reading.context);
      if (read.ok) return read.value;
      for (const { path, problem, offset } of read.problems) {
        reportBelow(reading, written, { keys: path, offset, ...splitProblem(problem) });
      }
      return undefined;
    },
    schema: () => settingSchema(setting),
  };
}

const EXACT: ReadonlySet<SettingKind> = new Set(['integer', 'flag']);

/**
 * What was written, as the plain value that a setting's reader expects. YAML reads `version: 2.10`
 * as the number 2.1 and `user: 007` as 7; where a text is wanted, the text in the file counts. A
 * number or boolean from `${env:…}` is a text to YAML and is parsed here.
 */
function given(setting: Setting<unknown, unknown>, written: Written): unknown {
  if (isAbsent(written)) return undefined;
  if (written.kind === 'list') {
    const { item } = setting;
    return written.items.map((one) => (item === undefined ? plain(one) : given(item, one)));
  }
  if (written.kind === 'block') {
    return setting.kind === 'group' && setting.fields !== undefined
      ? givenFields(setting.fields, written)
      : plain(written);
  }
  if (setting.kind === 'list') {
    return setting.item === undefined ? written.value : given(setting.item, written);
  }
  return EXACT.has(setting.kind) ? exact(written) : textOf(written);
}

/** The settings of an adapter as plain values, following its declaration. */
export function givenFields(declared: Settings, written: Written): Record<string, unknown> {
  if (written.kind !== 'block') return {};
  const values: Record<string, unknown> = {};
  for (const [key, { value }] of written.entries) {
    const setting = Object.hasOwn(declared, key) ? declared[key] : undefined;
    // An unknown setting must reach the reader, which names the nearest known one.
    const plainValue = setting === undefined ? plain(value) : given(setting, value);
    if (plainValue !== undefined || setting === undefined) define(values, key, plainValue);
  }
  return values;
}

/** Sets an own key even if its name is `__proto__`. */
function define(values: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(values, key, { value, enumerable: true, configurable: true });
}

/** A written value without its places. */
export function plain(written: Written): unknown {
  if (written.kind === 'scalar') return written.value;
  if (written.kind === 'list') return written.items.map(plain);
  const values: Record<string, unknown> = {};
  for (const [key, { value }] of written.entries) define(values, key, plain(value));
  return values;
}

function exact({ value, filled }: WrittenScalar): unknown {
  if (!filled || typeof value !== 'string') return value;
  if (/^-?\d+$/.test(value)) return Number(value);
  return value === 'true' ? true : value === 'false' ? false : value;
}

/** A scalar as text; undefined for null. */
export function textOf({ value, source }: WrittenScalar): string | undefined {
  if (value === null) return undefined;
  return typeof value === 'string' ? value : source;
}

/** Any text. */
export function textAt(written: Written, reading: Reading): string | undefined {
  const text = written.kind === 'scalar' ? textOf(written) : undefined;
  return text ?? report(reading, written.place, 'must be a text');
}
