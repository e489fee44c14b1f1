import { setting } from 'waybill/adapter';
import { httpClientSettings } from 'waybill/peer/http';
import { askedVersion } from './fhir-version.ts';

type Query = setting.Setting<setting.Template, string>;

/** A search below the base address; filled-in values are percent-encoded. */
const query: Query = {
  kind: 'template',
  help: 'A search below url: what to search for, or which resource an update is for. Values in braces are percent-encoded.',
  example: 'Patient?identifier=urn:oid:1.2.3|{field("PID-3.1")}',
  read: (given, context) =>
    typeof given === 'string' && /^[A-Za-z$][\w$/?.-]*/.test(given) && !given.includes('://')
      ? context.template(given, encodeURIComponent)
      : setting.bad('must begin with a resource type, such as Patient?identifier={id}'),
};

const criteria: Query = {
  ...query,
  help: 'Creates the resource only if this search finds none (conditional create): a message that is sent twice makes one resource.',
  example: 'identifier=urn:oid:1.2.3|{id}',
  read: (given, context) =>
    typeof given === 'string' && /^[\w:.-]+=/.test(given)
      ? context.template(given, encodeURIComponent)
      : setting.bad('must be search parameters such as identifier=urn:mrn|{id}'),
};

const interaction = {
  url: setting.optional(
    setting.url({
      help: 'The base address of the FHIR server, to which a resource type is added. Needed unless launches is set.',
      example: 'https://fhir.hospital.example/r4',
    }),
  ),
  launches: setting.optional(
    setting.text({
      help: 'Asks the EHR that launched the app of whoever sent the message, with the token of that launch (SMART on FHIR): the realm of the sign-in of an http-in with smart, which is its name if it sets none. Instead of url and credential.',
      example: 'notes',
    }),
  ),
  version: askedVersion,
  action: setting.choice(
    {
      auto: 'By the body: a Bundle of type transaction or batch is processed, a resource with an id is updated, any other is created',
      create: 'The resource is created; the server assigns an id',
      update: 'The resource replaces the one with its id, or the one that query finds',
      transaction: 'The Bundle is processed as a whole',
      search:
        'The answer is what query finds, all pages in one Bundle; the body of the message is not sent',
      delete: 'What query finds is deleted; the body of the message is not sent',
      forward:
        'A request of fhir-in is sent on as it came: interaction, address, query and conditions',
    },
    { help: 'What is done with a message.', default: 'auto' },
  ),
  query: setting.optional(query),
  ifNoneExist: setting.optional(criteria),
  ifMatch: setting.optional(
    setting.template({
      help: 'The version that an update or delete replaces. If the server has another one it answers 412, and nothing is changed. If left out or empty, any version is replaced.',
      example: '{json("/meta/versionId")}',
    }),
  ),
  searchBy: setting.choice(
    {
      address: 'The search criteria are in the address (GET)',
      form: 'They are posted as a form (POST to _search), so they are not in the logs of servers and proxies',
    },
    { help: 'How a search is sent.', default: 'address', advanced: true },
  ),
  prefer: setting.choice(
    {
      representation: 'The resource as it was stored',
      minimal: 'Only its address',
      OperationOutcome: "The server's remarks about it",
    },
    {
      help: 'What the answer to a create or update contains.',
      default: 'representation',
      advanced: true,
    },
  ),
  pages: setting.integer({
    help: 'The maximum number of pages of a search to fetch.',
    default: 20,
    minimum: 1,
    advanced: true,
  }),
};

export const fhirSettings = { ...interaction, ...httpClientSettings };

export type FhirValues = setting.ValuesOf<typeof fhirSettings>;

/** With the base address to ask for one message. */
export type FhirTarget = FhirValues & { readonly url: URL };
