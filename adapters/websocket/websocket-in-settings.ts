import { setting } from 'waybill/adapter';
import {
  callerSettings,
  listenerLimits,
  listenerPlace,
  type RoutePattern,
  routePattern,
} from 'waybill/peer/http-server';
import { callingSettings, socketLimits } from './socket-settings.ts';

const JSON_TEXT = /^\s*(?:\{\{|\[)/;
const XML_TEXT = /^\s*</;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** A value inside a text of JSON, or of XML, stays a value. */
function encodingFor(text: string): ((value: string) => string) | undefined {
  if (JSON_TEXT.test(text)) return (value) => JSON.stringify(value).slice(1, -1);
  return XML_TEXT.test(text)
    ? (value) => value.replaceAll(/[&<>"]/g, (one) => ENTITIES[one] ?? one)
    : undefined;
}

/** An answer with expressions about the message it answers. */
const answerTemplate: setting.Declare<setting.Template, string> = (
  about: setting.About<string>,
): setting.Setting<setting.Template, string> => ({
  kind: 'template',
  ...about,
  read: (given, context) =>
    typeof given === 'string'
      ? context.template(given, encodingFor(given))
      : setting.bad('must be text'),
});

const arriving = {
  listen: setting.optional(listenerPlace.listen),
  path: {
    ...routePattern,
    help: 'The path at which the WebSocket is opened: literal, with parameters, or with * at its end.',
    example: '/results',
    default: '/',
  } as setting.Setting<RoutePattern, string | undefined>,
  tls: listenerPlace.tls,
  callers: callerSettings,
  origins: setting.list(
    setting.text({ help: 'An origin such as https://portal.hospital.example, or * for all.' }),
    {
      help: 'From which web pages a browser may connect. If empty, only pages of this very address; other clients send no origin and are let in.',
      example: '["https://portal.hospital.example"]',
    },
  ),
  callOut: setting.group(callingSettings, {
    help: 'Connects to a server that sends messages over a WebSocket, instead of listen: as soon as the service starts, and again whenever the connection is lost. Only one of several engines does.',
  }),
};

const answering = {
  answer: setting.choice(
    {
      none: 'Nothing; a message that cannot be stored now is kept in memory and retried, and no more than atOnce are read meanwhile',
      stored:
        'An acknowledgement once the message is stored: that of HL7 for HL7, otherwise the text under accepted',
      target: 'The answer of the target, once it has one',
    },
    {
      help: 'How each message is answered. Answers come in the order of the messages.',
      default: 'stored',
    },
  ),
  accepted: answerTemplate({
    help: 'The answer for a stored message, with expressions about that message in braces; {id} is its number here. In a text that begins as JSON or XML, values are escaped.',
    default: '{{"status":"stored","id":{id}}}',
    example: '{{"ack":"{json("/id")}"}}',
  }),
  later: answerTemplate({
    help: 'The answer for a message that cannot be stored now: its sender may try again.',
    default: '{{"status":"try again later"}}',
  }),
  refused: answerTemplate({
    help: 'The answer for a message that is refused for good, or that failed at its target.',
    default: '{{"status":"refused"}}',
  }),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target; after that the sender gets what is under later, although the message is stored.',
    default: '30s',
    advanced: true,
  }),
};

const content = {
  type: setting.optional(
    setting.text({
      help: 'The type of the messages, such as application/json. If left out, HL7, JSON and XML are recognised by their beginning.',
      example: 'application/json',
    }),
  ),
  charset: setting.optional(
    setting.text({
      help: 'The text encoding of binary messages; text messages are always UTF-8.',
      example: 'ISO-8859-1',
      advanced: true,
    }),
  ),
  key: setting.optional(
    setting.expression({
      help: "The sender's own id of a message: the same id with the same bytes is stored once, as when it sends again what was not answered before a connection broke. HL7 has its control id.",
      example: 'json("/id")',
    }),
  ),
};

const { maxConnections, connectionsPerAddress } = listenerLimits;

export const websocketInSettings = {
  ...arriving,
  ...answering,
  ...content,
  atOnce: setting.integer({
    help: 'How many messages of one connection are worked on at once. While that many are, no more are read from it.',
    default: 20,
    minimum: 1,
    maximum: 10_000,
    advanced: true,
  }),
  ...socketLimits,
  requestTimeout: setting.duration({
    help: 'How long a client may take for its request to open a WebSocket.',
    default: '15s',
    advanced: true,
  }),
  maxConnections,
  connectionsPerAddress,
};

export type WebsocketInValues = setting.ValuesOf<typeof websocketInSettings>;
