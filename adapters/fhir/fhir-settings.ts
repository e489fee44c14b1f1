import { setting } from 'waybill/adapter';
import { httpClientSettings } from 'waybill/peer';

type Query = setting.Setting<setting.Template, string>;

/** A search below the base address; values that are filled in are percent-encoded. */
const query: Query = {
  kind: 'template',
  help: 'A search below url: what to search for, or which resource an update is for. Values in braces are percent-encoded.',
  example: 'Patient?identifier=urn:oid:1.2.3|{field("PID-3.1")}',
  read: (given, context) =>
    typeof given === 'string' && /^[A-Za-z$][\w$/?.-]*/.test(given) && !given.includes('://')
      ? context.template(given, encodeURIComponent)
      : setting.bad('must begin with a type of resource, such as Patient?identifier={id}'),
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
  url: setting.url({
    help: 'The base address of the FHIR server, to which a type of resource is added.',
    example: 'https://fhir.hospital.example/r4',
  }),
  action: setting.choice(
    {
      auto: 'By the body: a Bundle of type transaction or batch is processed, a resource with an id is updated, another is created',
      create: 'The resource is created; the server gives it an id',
      update: 'The resource is put at its id, or at what query finds',
      transaction: 'The Bundle is processed as a whole',
      search:
        'What query finds is the answer, all pages in one Bundle; the body of the message is not sent',
      delete: 'What query names is deleted; the body of the message is not sent',
    },
    { help: 'What is done with a message.', default: 'auto' },
  ),
  query: setting.optional(query),
  ifNoneExist: setting.optional(criteria),
  ifMatch: setting.optional(
    setting.template({
      help: 'The version that an update or delete replaces. If the server has another one it answers 412, and nothing is changed. Left out or empty, whatever is there is replaced.',
      example: '{json("/meta/versionId")}',
    }),
  ),
  searchBy: setting.choice(
    {
      address: 'What is searched for stands in the address (GET)',
      form: 'It is posted as a form (POST to _search), so that it stands in no log of a server or proxy',
    },
    { help: 'How a search is sent.', default: 'address', advanced: true },
  ),
  prefer: setting.choice(
    {
      representation: 'The resource as it was stored',
      minimal: 'Nothing but its address',
      OperationOutcome: 'What the server has to say about it',
    },
    {
      help: 'What the answer to a create or an update holds.',
      default: 'representation',
      advanced: true,
    },
  ),
  pages: setting.integer({
    help: 'How many pages of a search are fetched at most.',
    default: 20,
    minimum: 1,
    advanced: true,
  }),
};

export const fhirSettings = { ...interaction, ...httpClientSettings };

export type FhirValues = setting.ValuesOf<typeof fhirSettings>;
