import type { Principal } from '../access/rights/principal.ts';
import type { HostReport, LeftQueue, StatusReport } from '../control/engine-report.ts';
import type {
  DescribedSetting,
  HostDescription,
  ProductionDescription,
} from '../control/production-description.ts';
import type { Engines } from '../operator/engines.ts';
import { ApiError } from '../web/api-error.ts';
import type { Host, HostPage } from './contract/host.ts';
import { shownHost } from './shown.ts';

type OnEngine = HostReport & { readonly engine: number };

/** Every host over all engines, as the viewer may see it. */
export function hostsOf(
  { hosts }: ProductionDescription,
  reports: readonly StatusReport[],
  visible: readonly string[] | undefined,
): Host[] {
  const told = Map.groupBy(
    reports.flatMap((report) =>
      report.hosts.map((host): OnEngine => ({ ...host, engine: report.engine })),
    ),
    ({ host }) => host,
  );
  return hosts
    .filter(({ name }) => visible === undefined || visible.includes(name))
    .map((host) => hostOf(host, told.get(host.name) ?? []));
}

/**
 * What waits for hosts that the production no longer has, as the viewer may see it: every engine sees the
 * queues, but only one sees what waits outside them.
 */
export function leftOf(
  reports: readonly StatusReport[],
  visible: readonly string[] | undefined,
): LeftQueue[] {
  const most = new Map<string, LeftQueue>();
  for (const one of reports.flatMap(({ left }) => left)) {
    if (visible !== undefined && !visible.includes(one.host)) continue;
    if (one.depth > (most.get(one.host)?.depth ?? 0)) most.set(one.host, one);
  }
  return [...most.values()];
}

/** Asks the engines and returns every host as the viewer may see it. */
export async function readHosts(
  engines: Engines,
  viewer: Pick<Principal, 'visibleHosts' | 'unmasked'>,
): Promise<Host[]> {
  const [description, reports] = await Promise.all([engines.describe(), engines.status()]);
  return hostsOf(description, reports, viewer.visibleHosts).map((one) => shownHost(viewer, one));
}

function hostOf(description: HostDescription, told: readonly OnEngine[]): Host {
  const { name, kind, title, tags, adapter } = description;
  const errors = told.flatMap(({ lastError }) => lastError ?? []);
  const activity = told.flatMap(({ lastActivity }) => lastActivity ?? []);
  const queue = told.find((one) => one.queue !== undefined)?.queue;
  return {
    name,
    kind,
    title,
    tags,
    adapter,
    health: healthOf(description, told),
    queue,
    waiting: told.find((one) => one.waiting !== undefined)?.waiting,
    switchedOff: told.find((one) => one.switchedOff !== undefined)?.switchedOff,
    overrides: (told[0]?.overrides ?? []).map(({ host: _, ...override }) => override),
    lastError: errors.toSorted((a, b) => b.at - a.at)[0],
    lastActivity: activity.length === 0 ? undefined : Math.max(...activity),
    engines: told.map(
      ({
        host: _,
        kind: __,
        queue: ___,
        switchedOff: ____,
        overrides: _____,
        waiting: ______,
        ...rest
      }) => rest,
    ),
  };
}

/** The worst that any engine reports. A poller that waits because another engine polls is healthy. */
function healthOf({ inline }: HostDescription, told: readonly OnEngine[]): Host['health'] {
  if (inline) return 'inline';
  if (told.some(({ switchedOff }) => switchedOff !== undefined && switchedOff !== null))
    return 'off';
  if (told.some(({ overrides }) => overrides.some(({ kind }) => kind === 'hold'))) return 'off';
  if (!told.some(({ state }) => state === 'running')) return 'stopped';
  if (told.some(({ retrying }) => retrying !== undefined && retrying !== null)) return 'retrying';
  if (told.some(({ connection }) => connection === 'disconnected')) return 'disconnected';
  return 'running';
}

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
