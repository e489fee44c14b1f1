import { ask } from './blocking.ts';
import { isXml, parseXml, parseXmlList, type Xml } from './e4x/xml.ts';
import type { VariableMap } from './maps.ts';
import { plainTextOf } from './plain-text.ts';
import type { Response } from './response.ts';

/** What a script sends to a channel with `router.routeMessage`. */
export interface Routed {
  readonly channel: string;
  readonly body: string;
}

/** The destinations of a message that a script may still remove. */
export interface DestinationSet {
  remove(which: unknown): boolean;
  removeAll(): boolean;
  removeAllExcept(which: unknown): boolean;
}

/** All global names that a script can access while it runs. */
export interface ScriptScope {
  msg: Xml;
  tmp: Xml;
  message: Xml;
  response: Response | undefined;
  responseStatus: Xml;
  responseStatusMessage: Xml;
  responseErrorMessage: Xml;
  channelId: string;
  channelName: string;
  channelMap: VariableMap;
  connectorMap: VariableMap;
  sourceMap: VariableMap;
  responseMap: VariableMap;
  globalMap: VariableMap;
  globalChannelMap: VariableMap;
  configurationMap: VariableMap;
  connectorMessage: Xml;
  destinationSet: DestinationSet;
  readonly routed: Routed[];
  log: (text: string) => void;
}

/**
 * The names of the running script, as module bindings: scripts run from
 * beginning to end without interruption. A script assigns to them through `mirth`.
 */
export let msg: Xml;
export let tmp: Xml;
export let message: Xml;
export let response: Xml;
export let responseStatus: Xml;
export let responseStatusMessage: Xml;
export let responseErrorMessage: Xml;
export let channelId: Xml;
export let channelName: Xml;
export let channelMap: Xml;
export let connectorMap: Xml;
export let sourceMap: Xml;
export let responseMap: Xml;
export let globalMap: Xml;
export let globalChannelMap: Xml;
export let configurationMap: Xml;
export let connectorMessage: Xml;
export let destinationSet: Xml;

let current: ScriptScope | undefined;

function show(scope: ScriptScope): void {
  current = scope;
  ({ msg, tmp, message, response } = scope);
  ({ responseStatus, responseStatusMessage, responseErrorMessage } = scope);
  ({ channelId, channelName, channelMap, connectorMap, sourceMap, responseMap } = scope);
  ({ globalMap, globalChannelMap, configurationMap, connectorMessage, destinationSet } = scope);
}

/** Runs a script in a scope. */
export function runIn<Value>(scope: ScriptScope, script: () => Value): Value {
  const before = current;
  show(scope);
  try {
    return script();
  } finally {
    if (before !== undefined) show(before);
    else current = undefined;
  }
}

const running = (): ScriptScope => {
  if (current === undefined)
    throw new Error('this is available only while a script of a channel runs');
  return current;
};

/** Predefined names that a script may assign to. */
export const ASSIGNABLE = [
  'msg',
  'tmp',
  'message',
  'response',
  'responseStatus',
  'responseStatusMessage',
  'responseErrorMessage',
] as const;

/** Those names of the script that runs. */
export const mirth: Pick<ScriptScope, (typeof ASSIGNABLE)[number]> = Object.defineProperties(
  {} as ScriptScope,
  Object.fromEntries(
    ASSIGNABLE.map((name) => [
      name,
      {
        get: () => running()[name] as unknown,
        set(value: unknown) {
          Object.assign(running(), { [name]: value });
          show(running());
        },
      },
    ]),
  ),
);

type Accessor = (key: unknown, ...value: readonly unknown[]) => unknown;

const accessor =
  (mapOf: () => VariableMap): Accessor =>
  (key, ...value) =>
    value.length === 0 ? mapOf().get(key) : mapOf().put(key, value[0]);

export const $c = accessor(() => running().channelMap);
export const $co = accessor(() => running().connectorMap);
export const $s = accessor(() => running().sourceMap);
export const $r = accessor(() => running().responseMap);
export const $g = accessor(() => running().globalMap);
export const $gc = accessor(() => running().globalChannelMap);
export const $cfg = accessor(() => running().configurationMap);

/** The variable of that name, in whichever map it is; `''` where it is in none. */
export function $(key: unknown): unknown {
  return variable(running(), String(key)) ?? '';
}

export function variable(scope: ScriptScope, key: string): unknown {
  const {
    responseMap: responses,
    connectorMap: own,
    channelMap: channel,
    sourceMap: source,
  } = scope;
  const maps = [responses, own, channel, source, scope.globalChannelMap, scope.globalMap];
  return [...maps, scope.configurationMap].find((map) => map.containsKey(key))?.get(key);
}

const logged =
  (level: string) =>
  (text: unknown): void =>
    running().log(`${level}: ${String(text)}`);

/** Writes to the event log. The importer keeps the constant text of each line, since values may be patient data. */
export const logger = {
  debug: logged('debug'),
  error: logged('error'),
  fatal: logged('error'),
  info: logged('info'),
  trace: logged('debug'),
  warn: logged('warning'),
};

/** Sends messages to other channels, once the script has ended; immediately if it needs the answer. */
export const router = {
  routeMessage: (channel: unknown, body: unknown): void => route(channel, body),
  routeMessageByChannelId: (channel: unknown, body: unknown): void => route(channel, body),
  answerOf: (channel: unknown, body: unknown): unknown =>
    ask({ kind: 'route', channel: plainTextOf(channel), body: routedText(body) }),
};

/** `Thread.sleep`. */
export const pause = (time: unknown): unknown =>
  ask({ kind: 'sleep', time: Math.max(0, Number(time) || 0) });

export const VMRouter = class {
  routeMessage = router.routeMessage;
  routeMessageByChannelId = router.routeMessageByChannelId;
  answerOf = router.answerOf;
};

function route(channel: unknown, body: unknown): void {
  running().routed.push({ channel: plainTextOf(channel), body: routedText(body) });
}

const routedText = (body: unknown): string =>
  plainTextOf(body instanceof RawMessage ? body.body : body);

/** A message with variables, for `router`; the variables are passed under `Routed`. */
export class RawMessage {
  readonly body: unknown;

  constructor(body: unknown) {
    this.body = body;
  }
}

/** The value, or the default if there is none; a text, or that of XML, after applying each pair of `replacements`. Numbers stay what they are. */
export function validate(
  mapping: unknown,
  otherwise?: unknown,
  replacements?: readonly (readonly [unknown, unknown])[],
): Xml {
  const isNothing = mapping === undefined || mapping === null || plainTextOf(mapping) === '';
  const value = isNothing ? (otherwise ?? '') : mapping;
  const isText = isXml(value) || Object.prototype.toString.call(value) === '[object String]';
  if (replacements === undefined || replacements === null || !isText) return value;
  let text = plainTextOf(value);
  for (const [from, to] of replacements)
    text = text.replaceAll(new RegExp(String(from), 'g'), String(to));
  return text;
}

/** A new segment with that name; if a message is given, put there at that position among those with its name, by default the first. */
export function createSegment(name: string, into?: Xml, index = 0): Xml {
  const made = parseXml(`<${name}></${name}>`);
  if (into === undefined) return made;
  into[name][index] = made;
  return into[name][index];
}

/** A new segment after that one. */
export function createSegmentAfter(name: string, segment: Xml): Xml {
  const at = segment.parent() === undefined ? segment : segment[0];
  const made = parseXml(`<${name}></${name}>`);
  const index = at.childIndex();
  at.parent().insertChildAfter(at, made);
  return at.parent().children()[index + 1];
}

export function getArrayOrXmlLength(value: Xml): number {
  if (value === undefined || value === null) return 0;
  return typeof value === 'function' ? value.length() : (value.length ?? 0);
}

export const newStringOrUndefined = (value: unknown): unknown =>
  value === undefined || value === null ? undefined : plainTextOf(value);

/** `XML(…)` and `new XML(…)`, `XMLList(…)` and `new XMLList(…)`. */
export function XML(value?: unknown): Xml {
  return parseXml(value ?? '');
}

export function XMLList(value?: unknown): Xml {
  return parseXmlList(value ?? '');
}

/** A namespace is identified by its address. */
export function Namespace(...given: readonly unknown[]): { uri: string; toString(): string } {
  const uri = plainTextOf(given.at(-1) ?? '');
  return { uri, toString: () => uri };
}
