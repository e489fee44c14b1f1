import type { Item } from './hosts.ts';
import type { DefaultSetting, IrisClass } from './read-export.ts';
import { attribute, elements, textOf } from './source-xml.ts';

export interface ProductionItem extends Item {
  readonly production: string;
  /** What no other item of the export has: productions may have items of the same name. */
  readonly key: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly isOn: boolean;
  readonly pool: number;
  readonly comment: string;
  readonly category: string;
  readonly schedule: string;
}

export const keyOf = (production: string, item: string): string => `${production}\n${item}`;

/** The items of a production, with the system default settings for what they leave out. */
export function itemsOf(
  { data, name: production }: IrisClass,
  defaults: readonly DefaultSetting[],
): ProductionItem[] {
  const root = data.get('ProductionDefinition')?.root;
  return elements(root, 'Item').map((one) => {
    const name = attribute(one, 'Name');
    const className = attribute(one, 'ClassName');
    for (const unused of ['Foreground', 'LogTraceEvents', 'DisableErrorTraps'])
      attribute(one, unused);
    const own = new Map<string, string>();
    for (const setting of elements(one, 'Setting')) {
      attribute(setting, 'Target');
      own.set(attribute(setting, 'Name'), textOf(setting).trim());
    }
    for (const [setting, value] of defaultsOf(defaults, { production, name, className }))
      if (!own.has(setting)) own.set(setting, value);
    for (const key of ['InactivityTimeout', 'AlertGroups']) {
      const value = attribute(one, key);
      if (value !== '' && !own.has(key)) own.set(key, value);
    }
    return {
      production,
      key: keyOf(production, name),
      name,
      className,
      isOn: !/^(?:false|0)$/i.test(own.get('Enabled') ?? attribute(one, 'Enabled')),
      pool: Number(attribute(one, 'PoolSize')) || 1,
      comment: attribute(one, 'Comment'),
      category: attribute(one, 'Category'),
      schedule: attribute(one, 'Schedule') || (own.get('Schedule') ?? ''),
      settings: own,
    };
  });
}

/** The most specific one counts: by production, then item, then class. */
function defaultsOf(
  defaults: readonly DefaultSetting[],
  of: { readonly production: string; readonly name: string; readonly className: string },
): ReadonlyMap<string, string> {
  const found = defaults.filter(
    (one) =>
      fits(one.production, of.production) &&
      fits(one.item, of.name) &&
      fits(one.className, of.className),
  );
  return new Map(
    found
      .toSorted((one, other) => rank(one) - rank(other))
      .map(({ setting, value }) => [setting, value]),
  );
}

const rank = (one: DefaultSetting): number =>
  (one.item === '*' ? 0 : 4) + (one.className === '*' ? 0 : 2) + (one.production === '*' ? 0 : 1);
const fits = (given: string, own: string): boolean => given === '*' || given === own;
