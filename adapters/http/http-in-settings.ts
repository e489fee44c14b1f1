import { setting } from 'waybill/adapter';
import {
  type Caller,
  callerClaims,
  callerSettings,
  corsSettings,
  type Incoming,
  listenerLimits,
  listenerPlace,
  routePattern,
} from 'waybill/peer/http-server';
import { acknowledgeSettings } from 'waybill/peer/reply';
import { filesSettings } from './files/files-settings.ts';
import { methodScopes } from './method-scopes.ts';
import { signInSettings } from './sign-in/sign-in-settings.ts';

/** Makes the name of a message from a request. */
type Label = (incoming: Incoming, caller: Caller | undefined) => string;

const PLACE = /\{([^{}]*)\}/g;

type Read = (incoming: Incoming, caller: Caller | undefined) => string | undefined;

function placeOf(name: string): Read | undefined {
  if (name === 'method') return ({ method }) => method;
  if (name === 'path') return ({ path }) => path;
  if (name === 'caller') return (_, caller) => caller?.name;
  const [, kind, of = ''] = /^(header|query|parameter)\.(.+)$/.exec(name) ?? [];
  if (kind === 'header') return ({ headers }) => headers[of.toLowerCase()]?.toString();
  if (kind === 'query') return ({ query }) => query.get(of) ?? undefined;
  if (kind === 'parameter') return ({ parameters }) => parameters[of];
  return undefined;
}

/** Parses a text with placeholders in braces that are filled in from the request. */
const label: setting.Setting<Label, string | undefined> = {
  kind: 'text',
  help: 'The name of a message, seen in the trace and by rules as name. In braces: method, path, caller, header.NAME, query.NAME, parameter.NAME.',
  example: '{header.X-File-Name}',
  default: '{method} {path}',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be text');
    const wrong = [...given.matchAll(PLACE)].find(([, name = '']) => placeOf(name) === undefined);
    if (wrong !== undefined) {
      return setting.bad(
        `cannot fill in ${wrong[0]}; the placeholders are method, path, caller, header.NAME, query.NAME and parameter.NAME`,
      );
    }
    return setting.good(labelOf(given));
  },
};

/** Split once: this runs for each request. */
function labelOf(given: string): Label {
  // Because of its group, the pattern yields texts and names in turn.
  const parts = given.split(PLACE).map((part, at): Read => {
    return at % 2 === 0 ? () => part : (placeOf(part) ?? (() => undefined));
  });
  return (incoming, caller) => {
    let text = '';
    for (const part of parts) text += part(incoming, caller) ?? '';
    return text.slice(0, 500);
  };
}

const where = {
  ...listenerPlace,
  path: {
    ...routePattern,
    default: '/*',
  } as setting.Setting<setting.ValuesOf<{ path: typeof routePattern }>['path'], string | undefined>,
  methods: setting.list(setting.text({ help: 'A method such as POST, PUT or GET.' }), {
    help: 'The accepted methods; others are answered with 405. With openapi, those of the document are accepted.',
    default: ['POST'],
  }),
  openapi: setting.optional(
    setting.path({
      help: 'An OpenAPI 3 or Swagger 2.0 document (YAML or JSON) whose paths, methods, security and schemas are enforced; its paths begin below path.',
      example: 'openapi.yaml',
    }),
  ),
};

const who = {
  callers: callerSettings,
  scopes: setting.list(methodScopes, {
    help: 'Which scopes a caller needs for which method; * means every other method. With openapi, those of the document count as well.',
    example: '["GET: results.read", "POST: results.write"]',
  }),
  claims: callerClaims,
  signIn: signInSettings,
  cors: corsSettings,
};

const what = {
  types: setting.list(setting.text({ help: 'A media type such as application/json.' }), {
    help: 'The accepted media types; others are answered with 415. If empty, all are accepted.',
    example: '["application/json"]',
  }),
  schema: setting.optional(
    setting.path({
      help: 'A JSON Schema (YAML or JSON) that each body must match; otherwise the answer is 422 with the places that are wrong.',
      example: 'schemas/order.json',
    }),
  ),
  deliver: setting.choice(
    {
      body: 'The body unchanged',
      request:
        'A JSON document of the request: method, path, parameters, query, chosen headers, caller and body',
    },
    {
      help: 'What the message is. A request without a body (GET, DELETE) is always delivered as the document.',
      default: 'body',
    },
  ),
  headers: setting.list(setting.text({ help: 'The name of a header.' }), {
    help: 'Which headers are in the document of a request; never those with a secret.',
    example: '["X-Sending-Facility"]',
  }),
  name: label,
  idempotencyHeader: setting.text({
    help: 'The header with which a caller marks a repetition: the same key with the same body is stored once.',
    default: 'Idempotency-Key',
    advanced: true,
  }),
};

const answering = {
  answer: setting.choice(
    {
      stored: 'At once, when the message is stored (202)',
      target: 'With the answer of the target, once there is one',
    },
    { help: 'When and with what a request is answered.', default: 'stored' },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target; after that the answer is 504, although the message is stored.',
    default: '30s',
    advanced: true,
  }),
  hl7Statuses: setting.choice(
    {
      web: 'Like other answers: storedStatus or 200 for AA, 422 for AE, 503 for AR',
      'hl7-over-http':
        "Like HAPI's HL7 over HTTP: 200 for AA and CA, 500 for AE and CE, 400 for AR and CR, with the charset next to the type",
    },
    { help: 'The statuses with which HL7 v2 is acknowledged.', default: 'web', advanced: true },
  ),
  ...acknowledgeSettings,
  storedStatus: setting.integer({
    help: 'The status for a stored message.',
    default: 202,
    minimum: 200,
    maximum: 299,
    advanced: true,
  }),
  receipt: setting.choice(
    {
      json: 'The numbers of the message and its session, and its status',
      none: 'Nothing',
    },
    {
      help: 'The body of an answer which says only that a message is stored or settled.',
      default: 'json',
      advanced: true,
    },
  ),
};

export const httpInSettings = {
  ...where,
  files: filesSettings,
  ...who,
  ...what,
  ...answering,
  ...listenerLimits,
};

export type HttpInValues = setting.ValuesOf<typeof httpInSettings>;
