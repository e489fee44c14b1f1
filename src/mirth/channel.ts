import { STATUS_CODES } from 'node:http';
import { describeError, isEngineError } from '../error/engine-error.ts';
import type {
  CallAnswer,
  ProcessBody,
  ProcessCode,
  ProcessContext,
  ProcessMessage,
} from '../flow/process-code.ts';
import type { Reply } from '../message/message.ts';
import { ownAcknowledgement } from './acknowledgement.ts';
import { type Effect, type RequestEnd, runWaiting } from './blocking.ts';
import type { Channel, Destination, Script, Stage } from './channel-definition.ts';
import { mediaType, readData, transformedText, writeData } from './data-type.ts';
import { deployAll, deployLater } from './deployment.ts';
import {
  chainsOf,
  DestinationFailed,
  type Failed,
  type KeptAnswer,
  ONLY_SOME,
  RefusedByScript,
  type Taken,
  takenAgain,
} from './destination-chains.ts';
import { incoming, WITH_VARIABLES } from './incoming.ts';
import { keptFacts } from './kept-facts.ts';
import { VariableMap } from './maps.ts';
import { Attempts, type Facts, type Reached, scopeOf, wholeMessage } from './message-scope.ts';
import { keptText, plainTextOf } from './plain-text.ts';
import { ERROR, FILTERED, QUEUED, Response, responseTo, SENT, TRANSFORMED } from './response.ts';
import { runIn, type ScriptScope, variable } from './scope.ts';
import { render } from './template.ts';

/** The process for a channel. Its scripts run one after the other; what they send is sent between them. */
export function channel(definition: Channel): ProcessCode {
  deployLater(definition);
  return async (message, context) => {
    await deployAll(definition, async (of, scripts) => {
      const nothing = { text: '', type: 'text/plain' };
      const run = new ChannelRun(of as Channel, message, context, nothing);
      for (const script of scripts) if (script !== undefined) await run.script(script);
    });
    const run = await ChannelRun.begin(definition, message, context);
    return run.process();
  };
}

class ChannelRun {
  readonly #of: Channel;
  readonly #context: ProcessContext;
  readonly #scope: ScriptScope;
  /** The original message, which is passed on untouched if nothing changes it. */
  readonly #raw: string;
  readonly #type: string;
  readonly #name: string | undefined;
  readonly #removed = new Set<number>();
  /** The destinations that this run is for, because only they failed before; undefined for all. */
  readonly #only: readonly number[] | undefined;
  /** The source's scripts run for the second time: what they route to other channels was sent when the message came. */
  #isSourceAgain: boolean;
  readonly #taken: Taken;
  /** What became of the message at each destination that it got to. */
  readonly #reached: Reached[] = [];
  /** The process itself. */
  readonly #process: string;
  /** The data of `connectorMessage`. */
  readonly #facts: Facts;
  #isUntouched: boolean;

  static async begin(
    of: Channel,
    message: ProcessMessage,
    context: ProcessContext,
  ): Promise<ChannelRun> {
    const bytes = await message.bytes();
    if (message.type === ONLY_SOME)
      return new ChannelRun(
        of,
        message,
        context,
        takenAgain(message, textOf(bytes, undefined), of.destinations),
      );
    const text =
      of.source.binary === true
        ? Buffer.from(bytes).toString('base64')
        : textOf(bytes, message.charset);
    return new ChannelRun(of, message, context, { text, type: message.type });
  }

  constructor(of: Channel, message: ProcessMessage, context: ProcessContext, taken: Taken) {
    const { text, type, only } = taken;
    const came = incoming(of.source, type, text);
    this.#of = of;
    this.#context = context;
    this.#raw = came.body;
    this.#type = came.type;
    this.#only = only;
    this.#isSourceAgain = only !== undefined;
    this.#taken = taken;
    this.#process = message.target;
    this.#name = message.name;
    this.#isUntouched = came.body === text && of.source.binary !== true && only === undefined;
    this.#facts = {
      raw: came.body,
      transformed: '',
      encoded: came.body,
      number: 0,
      name: 'Source',
    };
    this.#scope = scopeOf(
      of,
      { message, came, removed: this.#removed, facts: this.#facts },
      (line) => context.log(line),
    );
  }

  /** Runs a script, then sends what it routed to other channels. */
  async script(code: Script): Promise<unknown> {
    const scope = this.#scope;
    let routed: ScriptScope['routed'] = [];
    let result: unknown;
    try {
      result = this.#of.waits === true ? await this.#waiting(code) : runIn(scope, code);
    } finally {
      // also what a failed one routed: it is not for the next script to send
      routed = scope.routed.splice(0);
    }
    if (this.#isSourceAgain) return result;
    for (const { channel: name, body } of routed) {
      const to = this.#of.channels?.[name];
      if (to === undefined) throw new Error(`there is no channel ${name} to route to`);
      await this.#context.send(to, { body, type: mediaType('RAW', body) });
    }
    return result;
  }

  async #waiting(code: Script): Promise<unknown> {
    const attempts = new Attempts(this.#scope);
    try {
      return await runWaiting(
        () => runIn(this.#scope, code),
        () => attempts.again(),
        (effect) => this.#perform(effect),
      );
    } finally {
      attempts.end();
    }
  }

  /** Performs what a script waits for, as a step of the process. */
  async #perform(effect: Effect): Promise<RequestEnd> {
    if (effect.kind === 'sleep') {
      await this.#context.sleep(effect.time);
      return { value: undefined };
    }
    if (effect.kind === 'route') {
      const to = this.#of.channels?.[effect.channel];
      if (to === undefined) throw new Error(`there is no channel ${effect.channel} to route to`);
      const { body } = effect;
      const answer = await this.#context.call(to, { body, type: mediaType('RAW', body) });
      return { value: responseTo(keptOf(answer)) };
    }
    const body = JSON.stringify(effect.values.map((one) => (one === undefined ? null : one)));
    const answer = await this.#context.call(effect.to, { body, type: 'application/json' });
    if (answer.status !== 'completed') {
      return {
        error: new Error(`${effect.to} did not carry it out: ${answer.code ?? answer.status}`),
      };
    }
    return { value: JSON.parse(textOf(answer.body ?? Buffer.from('{}'), undefined)) as unknown };
  }

  async process(): Promise<Reply | undefined> {
    const { source, destinations } = this.#of;
    const raw = await this.#preprocessed();
    const encoded = await this.#stage(source, raw);
    this.#isSourceAgain = false;
    if (encoded === undefined && this.#only !== undefined) return undefined;
    if (encoded === undefined) return this.#answer(await this.#postprocessed(FILTERED), FILTERED);
    const taken = destinations.filter(
      ({ number }) => !this.#removed.has(number) && (this.#only?.includes(number) ?? true),
    );
    const failed = await this.#destinations(taken, encoded);
    Object.assign(this.#facts, { raw: this.#raw, encoded, number: 0, name: 'Source' });
    const again = failed.flatMap(({ numbers }) => numbers);
    const [first] = failed;
    const isNothingSent = again.length === taken.length && !failed.some(({ isSent }) => isSent);
    // the message itself can wait until the script is corrected
    if (first !== undefined && isNothingSent) throw first.error;
    if (first !== undefined) await this.#sendToItself(failed, first.error);
    // it ran when the message came
    if (this.#only !== undefined) return undefined;
    return this.#answer(await this.#postprocessed(TRANSFORMED), SENT);
  }

  /**
   * Sends to the destinations. One whose script fails stops its chain, as in Mirth Connect, and no other; returned is what
   * was not sent.
   */
  async #destinations(taken: readonly Destination[], encoded: string): Promise<Failed[]> {
    const scope = this.#scope;
    const { connectorMap, channelMap, responseMap } = scope;
    const failed: Failed[] = [];
    for (const chain of chainsOf(taken)) {
      // a chain sees what the source set, not what others set beside it
      scope.channelMap = channelMap.copy(same);
      scope.responseMap = responseMap.copy(same);
      failed.push(...(await this.#chain(chain, encoded)));
      channelMap.putAll(scope.channelMap);
      responseMap.putAll(scope.responseMap);
    }
    Object.assign(scope, { connectorMap, channelMap, responseMap });
    return failed;
  }

  async #chain(chain: readonly Destination[], encoded: string): Promise<Failed[]> {
    const failed: Failed[] = [];
    for (const [index, destination] of chain.entries()) {
      this.#scope.connectorMap = new VariableMap();
      const fault = await this.#destination(destination, encoded).then(nothing, failure);
      if (fault === undefined) continue;
      const { stopsChain, answer, isSent = false } = fault.how;
      const left = stopsChain ? chain.slice(index) : [destination];
      const numbers = left.map(({ number }) => number);
      failed.push({ numbers, error: fault.cause, answer, isSent });
      if (stopsChain) break;
    }
    return failed;
  }

  /** What the failed destinations should have got waits as a message of its own: only it is suspended, and resent. */
  async #sendToItself(left: readonly Failed[], error: unknown): Promise<void> {
    const { code: failed } = describeError(error);
    const only = left.flatMap(({ numbers }) => numbers);
    const before = this.#taken.answers;
    const answers = Object.fromEntries(
      left.flatMap(({ numbers, answer, isSent }) =>
        numbers.flatMap((number, at) => {
          // one that was not come to has the message if it had it before
          const kept = isSent && at === 0 ? answer : before?.[number];
          return kept === undefined ? [] : [[number, kept]];
        }),
      ),
    );
    await this.#context.send(this.#process, {
      body: JSON.stringify({ ...this.#taken, only, answers, failed } satisfies Taken),
      type: ONLY_SOME,
      ...(this.#name !== undefined && { name: this.#name }),
    });
  }

  async #preprocessed(): Promise<string> {
    let raw = this.#raw;
    for (const preprocessor of [this.#of.global?.preprocessor, this.#of.preprocessor]) {
      if (preprocessor === undefined) continue;
      const made = await this.script(preprocessor);
      if (made !== undefined && made !== null) raw = plainTextOf(made);
      this.#scope.message = raw;
    }
    this.#isUntouched &&= raw === this.#raw;
    return raw;
  }

  async #postprocessed(status: string): Promise<unknown> {
    const scope = this.#scope;
    let result: unknown;
    for (const postprocessor of [this.#of.postprocessor, this.#of.global?.postprocessor]) {
      if (postprocessor === undefined) continue;
      scope.message = wholeMessage(this.#raw, scope.connectorMessage, {
        status,
        reached: this.#reached,
      });
      if (result !== undefined) scope.response = new Response(result);
      result = (await this.script(postprocessor)) ?? result;
    }
    return result;
  }

  /** Filters and transforms a message; undefined if it was filtered out. */
  async #stage(stage: Stage, body: string): Promise<string | undefined> {
    const { filter, transformer, inbound, outbound, outboundTemplate } = stage;
    const hasTemplate = outboundTemplate !== undefined && outboundTemplate !== '';
    const isStripped = inbound === 'XML' && stage.inboundSettings?.stripNamespaces === true;
    const isKept = transformer === undefined && inbound === outbound && !hasTemplate && !isStripped;
    const kept = keptText(inbound, body);
    this.#isUntouched &&= kept === body;
    if (filter === undefined && isKept) return kept;
    const scope = this.#scope;
    scope.msg = readData(inbound, body, stage.inboundSettings);
    scope.tmp = hasTemplate
      ? readData(outbound, outboundTemplate, stage.outboundSettings)
      : undefined;
    if (filter !== undefined && (await this.script(filter)) !== true) return undefined;
    if (isKept) return kept;
    if (transformer !== undefined) await this.script(transformer);
    this.#isUntouched = false;
    const made = hasTemplate ? scope.tmp : scope.msg;
    const encoded = writeData(outbound, made, stage.outboundSettings);
    Object.assign(this.#facts, { transformed: transformedText(made), encoded });
    return encoded;
  }

  async #destination(destination: Destination, body: string): Promise<void> {
    const { name, number, to, label, writer } = destination;
    const put = (response: Response): void => {
      const { connectorMap } = this.#scope;
      const facts = keptFacts(this.#of, this.#facts);
      this.#reached.push({ facts, status: response.getStatus(), response, connectorMap });
      this.#scope.responseMap.put(`d${number}`, response);
      this.#scope.responseMap.put(name, response);
    };
    Object.assign(this.#facts, { raw: body, transformed: '', encoded: body, number, name });
    const wasUntouched = this.#isUntouched;
    const fails = (stopsChain: boolean) => (error: unknown) => {
      // what could not be stored or reached is no failure of the script
      if (isEngineError(error)) throw error;
      put(new Response(ERROR, ''));
      throw new DestinationFailed(error, { stopsChain });
    };
    const encoded = await this.#stage(destination, body).catch(fails(true));
    const isUntouched = wasUntouched && this.#isUntouched;
    this.#isUntouched = wasUntouched;
    if (encoded === undefined) return put(new Response(FILTERED, ''));
    this.#scope.message = encoded;
    if (writer !== undefined) {
      this.#scope.msg = encoded;
      const made = await this.script(writer).catch(fails(false));
      const response = made instanceof Response ? made : new Response(SENT, made ?? '');
      put(response);
      // the sender gets its answer all the same
      if ([ERROR, QUEUED].includes(response.getStatus()))
        throw new DestinationFailed(new RefusedByScript(), { stopsChain: false, isSent: true });
      return;
    }
    if (to === undefined) return put(new Response(SENT, ''));
    const { body: sent, isWhole } = this.#sent(destination, encoded);
    const type = destination.type ?? this.#typeOf(destination, sent);
    const named = label === undefined ? this.#name : this.#fill(label, encoded);
    const isSame = isUntouched && isWhole && label === undefined && destination.pass === undefined;
    const hasForm = destination.binary === true || destination.charset !== undefined;
    const out =
      isSame && !hasForm && destination.type === undefined
        ? undefined
        : {
            ...this.#wrapped(destination, sent, type),
            ...(named !== undefined && { name: named }),
          };
    if (destination.call !== true) {
      await this.#context.send(to, out);
      return put(new Response(QUEUED, ''));
    }
    await this.#asked(destination, out, put);
  }

  /** Sends, waits for the answer, and runs the response transformer on it. */
  async #asked(
    destination: Destination,
    out: ProcessBody | undefined,
    put: (response: Response) => void,
  ): Promise<void> {
    const { number, to = '', timeout } = destination;
    const answer =
      this.#taken.answers?.[number] ??
      keptOf(await this.#context.call(to, out, timeout === undefined ? {} : { timeout }));
    this.#putStatus(answer);
    const response = responseTo(answer, destination.values !== undefined);
    const before = response.getStatus();
    const how = { stopsChain: false, isSent: true };
    await this.#answered(destination, response).catch((error: unknown) => {
      if (isEngineError(error)) throw error;
      response.setStatus(ERROR);
      response.setError(plainTextOf(error));
      put(response);
      throw new DestinationFailed(error, { ...how, answer });
    });
    put(response);
    const after = response.getStatus();
    if (before === SENT && [ERROR, QUEUED].includes(after))
      throw new DestinationFailed(new RefusedByScript(), how);
  }

  /** What an HTTP Sender leaves for the scripts after it. */
  #putStatus({ code = '' }: KeptAnswer): void {
    if (!/^\d{3}$/.test(code)) return;
    const { connectorMap } = this.#scope;
    connectorMap.put('responseStatusCode', Number(code));
    connectorMap.put('responseStatusLine', `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`.trim());
  }

  #sent(
    { template, values, form }: Destination,
    encoded: string,
  ): { body: string; isWhole: boolean } {
    if (form !== undefined) {
      const filled = form.map(([name, text]) => [name, this.#fill(text, encoded)]);
      return { body: new URLSearchParams(filled).toString(), isWhole: false };
    }
    if (values !== undefined) {
      const filled = Object.entries(values).map(([name, text]) => {
        const value = this.#fill(text, encoded);
        // an unresolved value is left out
        return [name, value === text ? null : value];
      });
      return { body: JSON.stringify(Object.fromEntries(filled)), isWhole: false };
    }
    const isWhole = template === undefined || template === '${message.encodedData}';
    return { body: isWhole ? encoded : this.#fill(template, encoded), isWhole };
  }

  #typeOf({ values, outbound }: Destination, sent: string): string {
    if (values !== undefined) return 'application/json';
    return sent === this.#raw ? this.#type : mediaType(outbound, sent);
  }

  #wrapped(
    { pass, binary, charset }: Destination,
    body: string,
    type: string,
  ): { body: string | Uint8Array; type: string; charset?: string } {
    if (binary === true)
      return { body: Buffer.from(body, 'base64'), type: 'application/octet-stream' };
    if (charset !== undefined) return { body: Buffer.from(body, 'latin1'), type, charset };
    if (pass === undefined || pass.length === 0) return { body, type };
    const variables = pass.map((name) => [name, plainTextOf(variable(this.#scope, name) ?? '')]);
    const text = JSON.stringify({ variables: Object.fromEntries(variables) as object, type, body });
    return { body: text, type: WITH_VARIABLES };
  }

  #fill(template: string, encoded: string): string {
    return render(template, {
      lookup: (name) => variable(this.#scope, name),
      message: {
        encodedData: () => encoded,
        transformedData: () => this.#facts.transformed || encoded,
        rawData: () => this.#facts.raw,
        messageId: () => String(this.#scope.sourceMap.get('messageId')),
        channelId: () => this.#of.id,
        channelName: () => this.#of.name,
      },
    });
  }

  /** Runs the response transformer, which Mirth Connect leaves out where there is nothing to read. */
  async #answered({ response: stage }: Destination, response: Response): Promise<void> {
    const body = response.getMessage();
    if (stage === undefined || (body === '' && stage.inbound !== 'RAW')) return;
    const scope = this.#scope;
    Object.assign(scope, {
      response,
      responseStatus: response.getStatus(),
      responseStatusMessage: response.getStatusMessage(),
      responseErrorMessage: response.getError(),
    });
    const made = await this.#stage(stage, body);
    if (made !== undefined) response.setMessage(made);
    response.setStatus(scope.responseStatus as ReturnType<typeof response.getStatus>);
    response.setStatusMessage(scope.responseStatusMessage);
  }

  #answer(result: unknown, status: typeof SENT | typeof FILTERED): Reply | undefined {
    const { answer, answerType, answerCode, source } = this.#of;
    if (answer === undefined) return undefined;
    if (answer === 'auto')
      return ownAcknowledgement(this.#of, this.#raw, [
        status,
        ...this.#reached.map((one) => one.status),
      ]);
    const found = answer === 'postprocessor' ? result : this.#scope.responseMap.get(answer);
    const response = found instanceof Response ? found : undefined;
    const body = response === undefined ? plainTextOf(found ?? '') : response.getMessage();
    const isFault = source.http !== undefined && response?.getStatus() === ERROR;
    const coded = answerCode === undefined ? '' : this.#fill(answerCode, body);
    const type = answerType === undefined ? mediaType('RAW', body) : this.#fill(answerType, body);
    const code = /^\d{3}$/.test(coded) ? coded : isFault ? '500' : codeOf(body);
    return { body: Buffer.from(body), type, ...(code !== undefined && { code }) };
  }
}

const same = (value: unknown): unknown => value;
const nothing = (): undefined => undefined;

function failure(error: unknown): DestinationFailed {
  if (error instanceof DestinationFailed) return error;
  throw error;
}

/** The code of an HL7 acknowledgement. */
const codeOf = (body: string): string | undefined => /[\r\n]MSA.([A-Z]{2})/.exec(body)?.[1];

function textOf(bytes: Uint8Array, charset: string | undefined): string {
  return new TextDecoder(charset ?? 'utf-8').decode(bytes);
}

const keptOf = ({ status, body, text, code }: CallAnswer): KeptAnswer => ({
  isGood: status === 'completed',
  body: textOf(body ?? new Uint8Array(), undefined),
  text: text ?? code ?? '',
  code,
});
