import { setting } from 'waybill/adapter';
import { documentOf } from 'waybill/document';
import { headerTemplate, httpClientSettings, urlTemplate } from 'waybill/peer/http';
import { securitySettings } from './security/security-settings.ts';
import { escaped } from './xml.ts';

const optionalUrl: setting.Setting<
  setting.ValuesOf<{ url: typeof urlTemplate }>['url'] | undefined,
  string | undefined
> = setting.optional({
  ...urlTemplate,
  help: 'Where each message is sent. Default: the address in the WSDL. Values in braces are percent-encoded; scheme, host and port cannot come from a message.',
  example: 'https://registry.example/xds/repository',
});

/** XML whose values cannot become elements. */
const xmlTemplate: setting.Setting<setting.Template, string> = {
  kind: 'template',
  help: 'An element for the Header of each envelope, with its namespace; values in braces are text and cannot become elements.',
  example: '<t:Tenant xmlns:t="urn:tenant">{source}</t:Tenant>',
  read: (given, context) =>
    typeof given === 'string' && /^\s*<[^>]+>.*>\s*$/s.test(given)
      ? context.template(given, escaped)
      : setting.bad('must be an XML element, such as <t:Tenant xmlns:t="urn:tenant">a</t:Tenant>'),
};

const service = {
  wsdl: setting.optional(
    setting.path({
      help: 'The WSDL 1.1 of the service, saved beside the production with the files that it imports: it gives the operations, their actions, the version and the address. Without it, say url and action.',
      example: 'wsdl/registry.wsdl',
    }),
  ),
  port: setting.optional(
    setting.text({
      help: 'The name of the port in the WSDL, where it has several.',
      example: 'DocumentRepository_Port_Soap12',
    }),
  ),
  operation: setting.optional(
    setting.template({
      help: 'The operation of the WSDL. Default: the one that takes the root element of the message, or the only one.',
      example: 'DocumentRepository_ProvideAndRegisterDocumentSet-b',
    }),
  ),
  url: optionalUrl,
  version: setting.choice(
    {
      auto: 'That of the WSDL, or of the message if it is an envelope; 1.1 without either',
      '1.1': 'SOAP 1.1: text/xml with a SOAPAction header',
      '1.2': 'SOAP 1.2: application/soap+xml with the action as a parameter',
    },
    { help: 'The version of SOAP.', default: 'auto' },
  ),
  action: setting.optional(
    setting.template({
      help: 'The action. Default: that of the operation in the WSDL, otherwise none.',
      example: 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b',
    }),
  ),
};

/** A place in the answer. */
const answerPath: setting.Setting<string, string> = {
  kind: 'text',
  help: 'An XPath in the answer.',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be an XPath');
    try {
      documentOf(Buffer.from('<a/>'), { type: 'application/xml' }).all(given);
      return setting.good(given);
    } catch (error) {
      // PATH_INVALID, with the place
      return setting.bad(error instanceof Error ? error.message : 'must be an XPath');
    }
  },
};

const content = {
  soapHeaders: setting.list(xmlTemplate, {
    help: 'Elements for the Header of each envelope, besides those of addressing and security.',
    example: '["<t:Tenant xmlns:t=\\"urn:tenant\\">{source}</t:Tenant>"]',
  }),
  answer: setting.choice(
    {
      body: 'The element in the body of the answer',
      envelope: 'The whole envelope',
    },
    { help: 'What becomes the body of the reply, also for a fault.', default: 'body' },
  ),
  answerCode: setting.optional({
    ...answerPath,
    help: 'The XPath of the place where a formally good answer tells success or failure: its text, after the last colon, # or slash, is the code of the reply and needs a rule under replies. Default: the status.',
    example: '/RegistryResponse/@status',
  }),
  answerText: setting.optional({
    ...answerPath,
    help: 'The XPath of the reasons in an answer: their texts are the text of the reply.',
    example: '//RegistryError/@codeContext',
  }),
  attachments: setting.choice(
    {
      none: 'Binary contents stay in the envelope, in base64',
      mtom: 'They go beside it as parts (MTOM, XOP), as IHE profiles and .NET want it',
      swa: 'They go beside it as parts, and the element refers to one by cid: (SOAP with attachments)',
    },
    {
      help: 'How binary contents of requests are sent: elements whose text is base64, of 1 KB and more. Attachments of an answer are always put into its XML, in base64.',
      default: 'none',
    },
  ),
  attached: setting.list(setting.text({ help: 'The name of an element, without prefix.' }), {
    help: 'Which elements are sent as attachments, however short they are. If empty, all with base64 of 1 KB and more.',
    example: '["Document"]',
    advanced: true,
  }),
  headers: setting.list(headerTemplate, {
    help: 'HTTP headers to send besides those of the connection.',
    example: '["X-Request-ID: {id}"]',
    advanced: true,
  }),
  compress: setting.flag({
    help: 'Whether requests are sent with gzip. Compressed answers are always accepted.',
    default: false,
    advanced: true,
  }),
  limit: setting.size({
    help: 'The largest message that is sent; a larger one is set aside.',
    default: '50MB',
    advanced: true,
  }),
};

const addressing = {
  addressing: setting.choice(
    {
      none: 'No headers; those of an envelope that is sent as it is stay',
      on: 'To, Action, MessageID and ReplyTo, which a receiver may ignore',
      required: 'The same, and a receiver that does not know them must refuse the message',
    },
    {
      help: 'WS-Addressing 1.0. The answer must relate to the message, otherwise it is judged as wrong-control-id.',
      default: 'none',
    },
  ),
  to: setting.optional(
    setting.template({
      help: 'The To of WS-Addressing. Default: the address.',
      advanced: true,
    }),
  ),
  from: setting.optional(
    setting.template({
      help: 'The From of WS-Addressing.',
      example: 'urn:oid:1.2.3',
      advanced: true,
    }),
  ),
};

export const soapOutSettings = {
  ...service,
  ...content,
  ...addressing,
  security: securitySettings,
  ...httpClientSettings,
};

export type SoapOutValues = setting.ValuesOf<typeof soapOutSettings>;
