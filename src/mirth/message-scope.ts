import type { ProcessMessage } from '../flow/process-code.ts';
import { copied, OnceMap } from './blocking.ts';
import type { Channel } from './channel-definition.ts';
import type { Xml } from './e4x/xml.ts';
import type { Came } from './incoming.ts';
import { configuration, global, ofChannel, VariableMap } from './maps.ts';
import { ERROR, type Response } from './response.ts';
import type { ScriptScope } from './scope.ts';

/** The data of `connectorMessage` for the connector whose scripts run. */
export interface Facts {
  raw: string;
  transformed: string;
  encoded: string;
  number: number;
  name: string;
}

interface Surrounding {
  readonly message: ProcessMessage;
  readonly came: Came;
  /** Numbers of destinations that were removed. */
  readonly removed: Set<number>;
  readonly facts: Facts;
}

/** What the scripts of a channel can access for one message. */
export function scopeOf(
  of: Channel,
  { message, came: { body, variables }, removed, facts }: Surrounding,
  log: ScriptScope['log'],
): ScriptScope {
  const { name = '', origin = '' } = message;
  const source = new VariableMap([
    ['messageId', message.id],
    ['originalFilename', name],
    ['fileDirectory', origin],
    ['fileSize', message.size],
    ...Object.entries(variables),
  ]);
  const scope: ScriptScope = {
    msg: body,
    tmp: undefined,
    message: body,
    response: undefined,
    responseStatus: undefined,
    responseStatusMessage: undefined,
    responseErrorMessage: undefined,
    channelId: of.id,
    channelName: of.name,
    channelMap: new VariableMap(),
    connectorMap: new VariableMap(),
    sourceMap: source,
    responseMap: new VariableMap(),
    globalMap: global,
    globalChannelMap: ofChannel(of.id),
    configurationMap: configuration,
    connectorMessage: undefined,
    destinationSet: destinationSetOf(of, removed),
    routed: [],
    log,
  };
  scope.connectorMessage = connectorMessage(of, message.id, { scope, facts });
  return scope;
}

function connectorMessage(
  of: Channel,
  id: number,
  { scope, facts }: { readonly scope: ScriptScope; readonly facts: Facts },
): Xml {
  const typed = (text: () => string) => () => ({
    ...content(text)(),
    getDataType: () => of.source.inbound,
  });
  return {
    messageId: id,
    getMessageId: () => id,
    getMetaDataId: () => facts.number,
    getConnectorName: () => facts.name,
    getChannelId: () => of.id,
    getChannelName: () => of.name,
    getServerId: () => 'waybill',
    getReceivedDate: () => new Date(),
    getRawData: () => facts.raw,
    getRaw: typed(() => facts.raw),
    getTransformedData: () => facts.transformed,
    getTransformed: typed(() => facts.transformed),
    getEncodedData: () => facts.encoded,
    getEncoded: typed(() => facts.encoded),
    getSourceMap: () => scope.sourceMap,
    getChannelMap: () => scope.channelMap,
    getConnectorMap: () => scope.connectorMap,
    getResponseMap: () => scope.responseMap,
  };
}

/** What a destination was given, and what became of it. */
export interface Reached {
  readonly facts: Readonly<Facts>;
  readonly status: string;
  readonly response: Response;
  readonly connectorMap: VariableMap;
}

/** The `message` of the postprocessor: a text, and the messages of all connectors. */
export function wholeMessage(
  raw: string,
  connector: Xml,
  { status, reached }: { readonly status: string; readonly reached: readonly Reached[] },
): Xml {
  const source = { ...connector, getStatus: () => status };
  const all = reached.map((one): [string, Xml] => [
    String(one.facts.number),
    { ...connector, ...ofDestination(one) },
  ]);
  return Object.assign(Object(raw) as object, {
    getMergedConnectorMessage: () => source as unknown,
    getConnectorMessages: () => new VariableMap([['0', source], ...all]),
    getMessageId: () => (connector as { getMessageId(): unknown }).getMessageId(),
  });
}

const content = (text: () => string) => () => ({ getContent: text, toString: text });

function ofDestination({ facts, status, response, connectorMap }: Reached): Xml {
  return {
    getStatus: () => status,
    getMetaDataId: () => facts.number,
    getConnectorName: () => facts.name,
    getRawData: () => facts.raw,
    getRaw: content(() => facts.raw),
    getTransformedData: () => facts.transformed,
    getTransformed: content(() => facts.transformed),
    getEncodedData: () => facts.encoded,
    getEncoded: content(() => facts.encoded),
    getResponseData: () => response.getMessage(),
    getResponse: content(() => response.getMessage()),
    getResponseError: () => response.getError(),
    getProcessingError: () => (status === ERROR ? response.getError() : null),
    getConnectorMap: () => connectorMap,
  };
}

const MAPS = ['channelMap', 'connectorMap', 'sourceMap', 'responseMap'] as const;
const VALUES = ['msg', 'tmp', 'message', 'response', 'responseStatus'] as const;

/** The runs of an asynchronous script: each begins with the state before the first. */
export class Attempts {
  readonly #scope: ScriptScope;
  readonly #before: Readonly<Record<string, unknown>>;
  readonly #shared: { readonly globalMap: VariableMap; readonly globalChannelMap: VariableMap };
  readonly #once: readonly OnceMap[];
  readonly #log: ScriptScope['log'];
  /** Lines of this run, and of those before it together. */
  #lines = 0;
  #said = 0;

  constructor(scope: ScriptScope) {
    this.#scope = scope;
    this.#before = this.#copies();
    const { globalMap, globalChannelMap, log } = scope;
    this.#shared = { globalMap, globalChannelMap };
    this.#log = log;
    const once = [new OnceMap(globalMap), new OnceMap(globalChannelMap)] as const;
    this.#once = once;
    Object.assign(scope, { globalMap: once[0], globalChannelMap: once[1] });
    scope.log = (line) => {
      this.#lines += 1;
      if (this.#lines <= this.#said) return;
      this.#said = this.#lines;
      log(line);
    };
  }

  again(): void {
    this.#lines = 0;
    for (const one of this.#once) one.again();
    this.#scope.routed.splice(0);
    Object.assign(
      this.#scope,
      Object.fromEntries(
        Object.entries(this.#before).map(([name, value]) => [name, copied(value)]),
      ),
    );
  }

  end(): void {
    Object.assign(this.#scope, { ...this.#shared, log: this.#log });
  }

  #copies(): Record<string, unknown> {
    const scope = this.#scope;
    return Object.fromEntries([...MAPS, ...VALUES].map((name) => [name, copied(scope[name])]));
  }
}

function destinationSetOf(
  { destinations }: Channel,
  removed: Set<number>,
): ScriptScope['destinationSet'] {
  const numbers = (which: unknown): number[] => {
    const names = Array.isArray(which) ? (which as unknown[]) : [which];
    return destinations
      .filter(({ name, number }) => names.some((one) => String(one) === name || one === number))
      .map(({ number }) => number);
  };
  const remove = (gone: readonly number[]): boolean => {
    for (const number of gone) removed.add(number);
    return gone.length > 0;
  };
  const all = destinations.map(({ number }) => number);
  return {
    remove: (which) => remove(numbers(which)),
    removeAll: () => remove(all),
    removeAllExcept(which) {
      const kept = numbers(which);
      return remove(all.filter((number) => !kept.includes(number)));
    },
  };
}
