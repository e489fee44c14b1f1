import { readFields, type Settings } from '../adapter/setting.ts';
import type { HostAlert } from './definition.ts';
import { type Named, type Reading, report, reportBelow } from './form/form.ts';
import { givenFields } from './form/setting-form.ts';
import type { Place } from './place.ts';
import { splitProblem } from './problem.ts';
import { emptyBlock, shown, valueAt, type Written } from './written/written.ts';

interface CommonGiven {
  readonly title: string | undefined;
  readonly comment: string | undefined;
  readonly tags: readonly string[];
  readonly enabled: boolean;
  readonly schedule: string | undefined;
  readonly alert: HostAlert | undefined;
}

interface HostCommon extends CommonGiven {
  readonly name: string;
  readonly place: Place;
}

/** What every host has, of the values of its form. */
export function hostCommon({ name, place, value }: Named<CommonGiven>): HostCommon {
  const { title, comment, tags, enabled, schedule, alert } = value;
  return { name, place, title, comment, tags, enabled, schedule, alert };
}

export interface AdapterSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly given: Readonly<Record<string, unknown>>;
}

/** Reads the settings of a host by the declaration of its adapter. `reading` is that of the host. */
export function readAdapterSettings(
  declared: Settings,
  host: Written,
  hostReading: Reading,
): AdapterSettings | undefined {
  const written = valueAt(host, ['settings']) ?? emptyBlock(host.place);
  const reading: Reading = { ...hostReading, keys: [...hostReading.keys, 'settings'] };
  if (written.kind === 'list' || (written.kind === 'scalar' && written.value !== null)) {
    return report(reading, written.place, 'must be a block of settings');
  }
  const read = readFields(declared, givenFields(declared, written), reading.context);
  if (read.ok) {
    const given = written.kind === 'block' ? (shown(written) as Record<string, unknown>) : {};
    return { settings: read.value, given };
  }
  for (const { path, problem, offset } of read.problems) {
    reportBelow(reading, written, { keys: path, offset, ...splitProblem(problem) });
  }
  return undefined;
}
