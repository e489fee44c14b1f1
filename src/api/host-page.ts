import type { Principal } from '../access/rights/principal.ts';
import type { StatusReport } from '../control/engine-report.ts';
import type { DescribedSetting, ProductionDescription } from '../control/production-description.ts';
import { ApiError } from '../web/api-error.ts';
import type { HostPage } from './contract/host.ts';
import { hostsOf } from './hosts-of.ts';
import { shownHost } from './shown.ts';

/** Everything about one host. Throws HOST_UNKNOWN (404). */
export function hostPage(
  [production, reports]: readonly [ProductionDescription, readonly StatusReport[]],
  name: string,
  viewer: Pick<Principal, 'visibleHosts' | 'unmasked'>,
): HostPage {
  const description = production.hosts.find((one) => one.name === name);
  const [host] = hostsOf(production, reports, [name]);
  if (description === undefined || host === undefined) {
    throw new ApiError(404, 'HOST_UNKNOWN', `there is no host ${name} in ${production.name}`);
  }
  const { comment, place, enabled, schedule, alert, rules, adapter: type } = description;
  const adapter = type === undefined ? undefined : production.adapters[type];
  const meaning = ({ of, path }: DescribedSetting) =>
    of === 'adapter' ? adapter?.settings[path] : undefined;
  const { visibleHosts: visible } = viewer;
  const edges = production.edges.filter(
    ({ from, to }) => visible === undefined || (visible.includes(from) && visible.includes(to)),
  );
  return {
    host: shownHost(viewer, host),
    comment,
    place,
    enabled,
    takesTests: production.settings.testMessages,
    schedule,
    alert,
    rules,
    adapter:
      type === undefined || adapter === undefined
        ? undefined
        : { type, title: adapter.title, summary: adapter.summary },
    settings: description.settings.map((setting) => ({
      ...setting,
      help: setting.help ?? meaning(setting)?.help,
      advanced: meaning(setting)?.advanced ?? false,
    })),
    sendsTo: unique(edges.filter(({ from }) => from === name).map(({ to }) => to)),
    receivesFrom: unique(edges.filter(({ to }) => to === name).map(({ from }) => from)),
  };
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];
