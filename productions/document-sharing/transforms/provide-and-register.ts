import { createHash } from 'node:crypto';
import { defineTransform } from 'waybill';

/** What the affinity domain has agreed upon; ask it for its own codes. */
const DOMAIN = {
  /** The hospital: its assigning authority of patients, and the source of documents. */
  patients: '2.999.1.1',
  source: '2.999.1',
  institution: 'Example Hospital',
  classCode: ['REPORTS', 'Reports', '2.999.2'],
  typeCode: ['11526-1', 'Pathology study', '2.16.840.1.113883.6.1'],
  formatCode: [
    'urn:ihe:iti:xds:2017:mimeTypeSufficient',
    'mimeType Sufficient',
    '1.3.6.1.4.1.19376.1.2.3',
  ],
  confidentiality: ['N', 'normal', '2.16.840.1.113883.5.25'],
  facility: ['HOSP', 'Hospital', '2.16.840.1.113883.5.111'],
  practice: ['PATH', 'Pathology', '2.999.3'],
  contentType: ['REPORT', 'A report', '2.999.4'],
} as const;

type Code = readonly [code: string, name: string, system: string];

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** An OID of a hash: a report that is sent again has the same, so that the registry knows it. */
function oidOf(...identity: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  return `2.25.${BigInt(`0x${hash.slice(0, 32)}`)}`;
}

const slot = (name: string, ...values: readonly string[]): string =>
  `<rim:Slot name="${name}"><rim:ValueList>${values.map((one) => `<rim:Value>${escaped(one)}</rim:Value>`).join('')}</rim:ValueList></rim:Slot>`;

const named = (name: string): string =>
  `<rim:Name><rim:LocalizedString value="${escaped(name)}"/></rim:Name>`;

const classified = (object: string, scheme: string, [code, name, system]: Code): string =>
  `<rim:Classification id="c-${scheme.slice(9, 17)}" classifiedObject="${object}" classificationScheme="${scheme}" nodeRepresentation="${escaped(code)}">${slot('codingScheme', system)}${named(name)}</rim:Classification>`;

const identified = (object: string, scheme: string, value: string, name: string): string =>
  `<rim:ExternalIdentifier id="i-${scheme.slice(9, 17)}" registryObject="${object}" identificationScheme="${scheme}" value="${escaped(value)}">${named(name)}</rim:ExternalIdentifier>`;

interface Report {
  readonly id: string;
  readonly patient: string;
  readonly created: string;
  readonly title: string;
}

/** The schemes are those of the XDS.b metadata (ITI TF-3 §4.2). */
function documentEntry({ id, patient, created, title }: Report): string {
  return [
    '<rim:ExtrinsicObject id="document" mimeType="application/pdf" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">',
    slot('creationTime', created),
    slot('languageCode', 'en'),
    slot('sourcePatientId', patient),
    named(title),
    classified('document', 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a', DOMAIN.classCode),
    classified('document', 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f', DOMAIN.confidentiality),
    classified('document', 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d', DOMAIN.formatCode),
    classified('document', 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1', DOMAIN.facility),
    classified('document', 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead', DOMAIN.practice),
    classified('document', 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983', DOMAIN.typeCode),
    identified(
      'document',
      'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
      patient,
      'XDSDocumentEntry.patientId',
    ),
    identified(
      'document',
      'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
      id,
      'XDSDocumentEntry.uniqueId',
    ),
    '</rim:ExtrinsicObject>',
  ].join('');
}

function submissionSet({ id, patient, created }: Report): string {
  return [
    '<rim:RegistryPackage id="set">',
    slot('submissionTime', created),
    `<rim:Classification id="author" classifiedObject="set" classificationScheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d" nodeRepresentation="">${slot('authorInstitution', DOMAIN.institution)}</rim:Classification>`,
    classified('set', 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500', DOMAIN.contentType),
    identified(
      'set',
      'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
      patient,
      'XDSSubmissionSet.patientId',
    ),
    identified(
      'set',
      'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
      oidOf('set', id),
      'XDSSubmissionSet.uniqueId',
    ),
    identified(
      'set',
      'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832',
      DOMAIN.source,
      'XDSSubmissionSet.sourceId',
    ),
    '</rim:RegistryPackage>',
    '<rim:Classification id="node" classifiedObject="set" classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>',
    `<rim:Association id="member" associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember" sourceObject="set" targetObject="document">${slot('SubmissionSetStatus', 'Original')}</rim:Association>`,
  ].join('');
}

/** The PDF of OBX-5 and what the registry needs to know of it. */
export default defineTransform(({ document }) => {
  const report: Report = {
    id: oidOf(DOMAIN.source, document.get('MSH-10')),
    patient: `${document.get('PID-3.1')}^^^&${DOMAIN.patients}&ISO`,
    created: document.get('MSH-7').slice(0, 14),
    title: document.get('OBX-3.2') || 'Report',
  };
  const body = [
    '<xds:ProvideAndRegisterDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007">',
    '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><rim:RegistryObjectList>',
    documentEntry(report),
    submissionSet(report),
    '</rim:RegistryObjectList></lcm:SubmitObjectsRequest>',
    `<xds:Document id="document">${document.get('OBX-5.5').replaceAll(/\s/g, '')}</xds:Document>`,
    '</xds:ProvideAndRegisterDocumentSetRequest>',
  ];
  return { body: body.join(''), type: 'application/xml', name: document.get('MSH-10') };
});
