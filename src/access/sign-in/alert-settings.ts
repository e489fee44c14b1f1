import { milliseconds } from '../../time/duration.ts';
import { isZone, type Zone } from '../../time/zone.ts';
import { closed, list, maybe, record, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

const Text = Type.String({ minLength: 1, maxLength: 2_000 });
const Name = Type.String({ minLength: 1, maxLength: 100 });
const Names = Type.Array(Name, { minItems: 1, maxItems: 50 });
/** `fri 17:00` */
const Moment = Type.String({
  pattern: '^(mon|tue|wed|thu|fri|sat|sun) ([01]\\d|2[0-3]):[0-5]\\d$',
});

const Mail = closed({
  /** `smtp.example:587` */
  server: Text,
  /** `tls` from the beginning, `starttls` always, or `none`. */
  security: maybe(word('tls', 'starttls', 'none')),
  user: maybe(Text),
  password: maybe(Text),
  from: Text,
  to: Type.Array(Text, { minItems: 1, maxItems: 50 }),
});

/** One of them says what kind it is. */
const Channel = closed({
  /** An operation of the production. */
  operation: maybe(Text),
  /** An address that JSON is posted to. */
  webhook: maybe(Text),
  /** The address of a Teams workflow. */
  teams: maybe(Text),
  /** The address of a Slack app, or of what takes the same. */
  slack: maybe(Text),
  mail: maybe(Mail),
  /** More headers for a webhook. */
  headers: maybe(record(Text)),
});

const Turn = closed({
  from: Moment,
  to: Moment,
  /** Several take turns, week by week. */
  who: Names,
  /** A day of the week in which the first of them is on call. */
  since: maybe(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' })),
});

const Step = closed({
  /** People, channels, or `on-call`. */
  to: Names,
  /** After the alert was first sent, if nobody has taken it on. */
  after: maybe(Type.String({ pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' })),
  /** Only for alerts that are at least this. */
  level: maybe(word('warn', 'error')),
});

/** `alerts` of `console.yaml` as it is written. */
export const AlertsFile = closed({
  zone: maybe(Text),
  /** Of what is sent; default `en`. */
  language: maybe(word('en', 'de')),
  channels: record(Channel),
  people: maybe(record(Names)),
  rota: maybe(list(Turn, { maxItems: 100 })),
  steps: maybe(list(Step, { maxItems: 20 })),
  privacy: maybe(Names),
});
type AlertsFile = Static<typeof AlertsFile>;

export type ChannelSettings = Static<typeof Channel>;
export type MailChannelSettings = Static<typeof Mail>;

export const ON_CALL = 'on-call';

/** Who is told of alerts, how and in which order. */
export interface AlertSettings {
  /** The clock of the rota. */
  readonly zone: Zone;
  /** Of what is sent. */
  readonly language: 'en' | 'de';
  readonly channels: Readonly<Record<string, ChannelSettings>>;
  /** Name → channels; the next one is tried when one fails. */
  readonly people: Readonly<Record<string, readonly string[]>>;
  readonly rota: readonly RotaTurn[];
  /** In the order of their time. */
  readonly steps: readonly AlertStep[];
  /** Who is told when a message is opened in an emergency. */
  readonly privacy: readonly string[];
}

/** A span of each week. */
export interface RotaTurn {
  /** Minutes since Monday 00:00. */
  readonly from: number;
  readonly to: number;
  readonly who: readonly string[];
  /** `2026-01-05` */
  readonly since: string | undefined;
}

export interface AlertStep {
  /** Milliseconds. */
  readonly after: number;
  readonly to: readonly string[];
  readonly level: 'warn' | 'error';
}

export function alertSettingsOf(written: AlertsFile | undefined): AlertSettings {
  const {
    zone,
    language = 'en',
    channels = {},
    people = {},
    rota = [],
    steps,
    privacy = [],
  } = written ?? {};
  const all = Object.keys(channels);
  const given = steps ?? (all.length === 0 ? [] : [{ to: all }]);
  return {
    zone,
    language,
    channels,
    people,
    rota: rota.map(({ from, to, who, since }) => ({
      from: minuteOfWeek(from),
      to: minuteOfWeek(to),
      who,
      since,
    })),
    steps: given
      .map(({ to, after, level = 'warn' }) => ({
        to,
        level,
        after: milliseconds(after ?? '0s') ?? 0,
      }))
      .toSorted((a, b) => a.after - b.after),
    privacy,
  };
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function minuteOfWeek(moment: string): number {
  const [day = '', hour = 0, minute = 0] = moment.split(/[ :]/);
  return (DAYS.indexOf(day) * 24 + Number(hour)) * 60 + Number(minute);
}

const KINDS = ['operation', 'webhook', 'teams', 'slack', 'mail'] as const;
export type ChannelKind = (typeof KINDS)[number];

/** Which of its keys makes it a channel. */
export function kindOf(channel: ChannelSettings): ChannelKind | undefined {
  const kinds = KINDS.filter((kind) => channel[kind] !== undefined);
  return kinds.length === 1 ? kinds[0] : undefined;
}

const unknown = (path: string, names: readonly string[], among: ReadonlySet<string>): string[] =>
  names
    .filter((name) => !among.has(name))
    .map((name) => `${path}: there is no ${name} under channels or people`);

/** What is wrong beyond the shape, each with its path. */
export function alertProblems(written: AlertsFile | undefined): string[] {
  if (written === undefined) return [];
  const { zone, channels, people = {}, rota = [], steps = [], privacy = [] } = written;
  const known = new Set([...Object.keys(channels), ...Object.keys(people)]);
  return [
    ...(zone === undefined || isZone(zone)
      ? []
      : [`alerts.zone: ${zone} is no time zone; write one such as Europe/Berlin`]),
    ...Object.entries(channels).flatMap(([name, one]) =>
      channelProblems(`alerts.channels.${name}`, one),
    ),
    ...Object.entries(people).flatMap(([name, its]) => [
      ...unknown(`alerts.people.${name}`, its, new Set(Object.keys(channels))),
      ...(name === ON_CALL || name in channels
        ? [`alerts.people.${name}: the name is taken; give the person another`]
        : []),
    ]),
    ...rota.flatMap(({ who, from, to }, n) => [
      ...unknown(`alerts.rota.${n}`, who, known),
      ...(from === to ? [`alerts.rota.${n}: from and to are the same`] : []),
    ]),
    ...steps.flatMap(({ to }, n) => [
      ...unknown(
        `alerts.steps.${n}`,
        to.filter((one) => one !== ON_CALL),
        known,
      ),
      ...(to.includes(ON_CALL) && rota.length === 0
        ? [`alerts.steps.${n}: on-call needs a rota`]
        : []),
    ]),
    ...unknown('alerts.privacy', privacy, known),
  ];
}

function channelProblems(path: string, channel: ChannelSettings): string[] {
  const kind = kindOf(channel);
  if (kind === undefined) return [`${path}: write one of ${KINDS.join(', ')}`];
  const { headers, mail } = channel;
  const address = kind === 'operation' || kind === 'mail' ? undefined : channel[kind];
  return [
    ...(address === undefined || /^https?:$/.test(URL.parse(address)?.protocol ?? '')
      ? []
      : [`${path}.${kind}: write an http or https address`]),
    ...(headers === undefined || kind === 'webhook'
      ? []
      : [`${path}.headers: only a webhook has headers`]),
    ...(mail === undefined ? [] : mailProblems(`${path}.mail`, mail)),
  ];
}

function mailProblems(path: string, { server, user, password }: MailChannelSettings): string[] {
  return [
    ...(/^(\[[\da-f:]+\]|[^\s:]+):\d{1,5}$/i.test(server)
      ? []
      : [`${path}.server: write host:port, such as smtp.example:587`]),
    ...((user === undefined) === (password === undefined)
      ? []
      : [`${path}: user and password belong together`]),
  ];
}
