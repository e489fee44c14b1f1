import { setting } from 'waybill/adapter';
import {
  callerSettings,
  corsSettings,
  listenerLimits,
  listenerPlace,
  routePattern,
} from 'waybill/peer/http-server';
import { servedVersion } from './fhir-version.ts';
import { smartSettings } from './smart-settings.ts';

/** What a server may be asked for; the names are those of FHIR, where it has one. */
const INTERACTIONS = {
  read: 'A resource by its id',
  vread: 'One version of a resource',
  search: 'Resources by their parameters, also by POST to _search, and further pages',
  history: 'The versions of a resource, of a type, of all',
  create: 'A new resource, also only if none exists',
  update: 'A resource in place of another, also found by a search',
  patch: 'A change of a resource by JSON Patch',
  delete: 'Deletes a resource, also found by a search',
  transaction: 'A Bundle that is processed as a whole',
  batch: 'A Bundle whose entries are processed one by one',
  operation: 'An operation such as $everything',
} as const;

export type Interaction = keyof typeof INTERACTIONS;

/** The scopes that a caller needs for an interaction. */
export interface InteractionScopes {
  readonly interaction: string;
  readonly scopes: readonly string[];
}

const scopes: setting.Setting<InteractionScopes, string> = {
  kind: 'text',
  help: 'An interaction, or *, with the scopes it needs, all of them.',
  example: 'read: fhir.read',
  read: (given) => {
    const [, interaction = '', rest = ''] =
      typeof given === 'string' ? (/^\s*([a-z]+|\*)\s*:\s*(\S.*)$/.exec(given) ?? []) : [];
    const known = interaction === '*' || Object.hasOwn(INTERACTIONS, interaction);
    return known
      ? setting.good({ interaction, scopes: rest.split(/[\s,]+/) })
      : setting.bad('must be an interaction and its scopes, such as read: fhir.read');
  },
};

const where = {
  ...listenerPlace,
  path: {
    ...routePattern,
    help: 'The base address of the server, with * for what is below it.',
    example: '/fhir/r4/*',
    default: '/fhir/*',
  } as setting.Setting<setting.ValuesOf<{ path: typeof routePattern }>['path'], string | undefined>,
  publicUrl: setting.optional(
    setting.url({
      help: 'The base address as callers know it, if they come through a proxy. Default: the one that was asked.',
      example: 'https://hub.hospital.example/fhir',
      advanced: true,
    }),
  ),
};

const who = {
  callers: callerSettings,
  scopes: setting.list(scopes, {
    help: 'Which scopes a caller needs for which interaction; * means every other one.',
    example: '["read: fhir.read", "*: fhir.write"]',
  }),
  smart: smartSettings,
  cors: corsSettings,
};

const what = {
  version: servedVersion,
  interactions: setting.list(
    setting.choice(INTERACTIONS, { help: 'An interaction.', default: 'read' }),
    {
      help: 'What callers may ask for; anything else is answered with 405.',
      default: ['read', 'search', 'create', 'update', 'transaction', 'batch'],
    },
  ),
  resources: setting.list(setting.text({ help: 'A type of resource, such as Patient.' }), {
    help: 'The types of resources that are served; others are answered with 404. If empty, all of the version but Subscription, which has to be named, and sent to what keeps it.',
    example: '["Patient", "Observation"]',
  }),
  validate: setting.choice(
    {
      none: 'Only that it is a resource of the right type',
      structure: 'Elements, types and cardinality',
      full: 'Also required codes, references and invariants',
    },
    {
      help: 'What a resource must satisfy by the definitions of the version; otherwise the answer is 422 with all that is wrong.',
      default: 'structure',
    },
  ),
  deliver: setting.choice(
    {
      request:
        'A JSON document of the request: interaction, type, id, version, query, conditions, caller and resource',
      resource: 'The resource alone, where there is one; otherwise the document',
    },
    { help: 'What the message is.', default: 'request' },
  ),
};

const whom = {
  subscriptions: setting.text({
    help: 'Under which name fhir-subscriptions-out keeps subscriptions (store): those who subscribed through this service and no longer may are found there, and told nothing more.',
    default: 'subscriptions',
    advanced: true,
  }),
};

const answering = {
  answer: setting.choice(
    {
      target: 'With the answer of the target, once there is one',
      stored: 'Once the message is stored: 202. What reads always waits for the target',
    },
    { help: 'When a request that writes is answered.', default: 'target' },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target; after that the answer is 504, although the message is stored.',
    default: '30s',
    advanced: true,
  }),
  upstream: setting.optional(
    setting.url({
      help: 'The base address of the FHIR server behind the target: where it stands in links, locations and full URLs of an answer, ours is written, so that callers page and follow through this service.',
      example: 'https://repository.hospital.example/r4',
    }),
  ),
  idempotencyHeader: setting.text({
    help: 'The header with which a caller marks a repetition: the same key with the same request is stored once.',
    default: 'Idempotency-Key',
    advanced: true,
  }),
};

export const fhirInSettings = {
  ...where,
  ...who,
  ...what,
  ...whom,
  ...answering,
  ...listenerLimits,
};

export type FhirInValues = setting.ValuesOf<typeof fhirInSettings>;
