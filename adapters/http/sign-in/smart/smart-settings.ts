import { setting } from 'waybill/adapter';

const ehr = {
  fhir: setting.url({
    help: "The base address of the EHR's FHIR server: what it calls itself (iss) when it launches the app. Launches from others are refused.",
    example: 'https://ehr.hospital.example/fhir',
  }),
  clientId: setting.text({
    help: 'The id of the app at the EHR, where it is registered with <publicUrl><path>/launch as launch address and <publicUrl><path>/launched as redirect address.',
    example: 'growth-chart',
  }),
  clientSecret: setting.optional(
    setting.credential({
      help: 'The secret of the app at the EHR: a credential of kind bearer. Leave it out for a public app.',
      kinds: ['bearer'],
      example: 'growth-secret',
    }),
  ),
  clientKey: setting.optional(
    setting.credential({
      help: 'What signs the sign-in of the app at the EHR instead of a secret (private_key_jwt): a credential of kind jwt-key with a private key, RS384 or ES384. The EHR finds its public half at <path>/smart-jwks.json.',
      kinds: ['jwt-key'],
      example: 'growth-key',
    }),
  ),
  ask: setting.list(setting.text({ help: 'A scope.' }), {
    help: 'What is asked for besides openid. launch is asked for in launches from the EHR, and launch/… in others only. online_access or offline_access lets the sign-in last longer than one token of the EHR.',
    default: ['fhirUser', 'launch/patient', 'patient/*.rs'],
    example: '["fhirUser", "launch/patient", "patient/*.rs", "online_access"]',
  }),
  trust: setting.optional(
    setting.path({
      help: "The file with the authorities (PEM) that may have signed the EHR's certificate; the public ones if left out.",
      example: 'tls/hospital-ca.crt',
    }),
  ),
  clockSkew: setting.duration({
    help: "By how much the EHR's clock may differ.",
    default: '30s',
    advanced: true,
  }),
};

export type EhrValues = setting.ValuesOf<typeof ehr>;

const origin: setting.Setting<string, string> = {
  kind: 'text',
  help: 'An origin such as https://ehr.hospital.example.',
  example: 'https://ehr.hospital.example',
  read: (given) => {
    const url = typeof given === 'string' ? URL.parse(given) : null;
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && given === url.origin;
    return isOrigin
      ? setting.good(url.origin)
      : setting.bad('must be an origin: https://, a host, and nothing behind it');
  },
};

const fields = {
  ehrs: setting.list(
    setting.group(ehr, { help: 'An EHR that launches the app, or at which people sign in.' }),
    { help: 'The EHRs; no other may launch the app.' },
  ),
  framedBy: setting.list(origin, {
    help: 'Whose pages may show the app in a frame, by their origin. Cookies are then for such frames (SameSite=None; Secure; Partitioned), whatever sameSite says, and pages of files name them as frame-ancestors.',
    example: '["https://ehr.hospital.example"]',
  }),
};

export const smartSettings = setting.group(fields, {
  help: 'Takes launches of SMART on FHIR: from an EHR that opens the app for a patient, or begun in the app. People sign in at the EHR, their session is about one patient, and requests below <path>/fhir go to the FHIR server of the EHR with its token, which the browser never gets.',
});

export type SmartValues = setting.ValuesOf<typeof fields>;
