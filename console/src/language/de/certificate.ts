import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Certificates: 'Zertifikate',
  Workbench: 'Werkbank',
  '{count}; none needs attention': '{count}; keines braucht Aufmerksamkeit',
  '{some} of {count} need attention': '{some} von {count} {some|braucht|brauchen} Aufmerksamkeit',
  'Nothing in this production has a certificate.':
    'In dieser Produktion hat nichts ein Zertifikat.',
  Ours: 'Eigene',
  'our own, sent to others': 'was wir anderen vorlegen',
  'Of peers': 'Von Gegenstellen',
  'those of others, received since the engine started':
    'was andere uns seit dem Start der Engine vorgelegt haben',
  'Of authorities': 'Von Zertifizierungsstellen',
  'authorities trusted to sign the certificates of others':
    'denen wir glauben, was sie anderen ausstellen',
  'Revocation lists': 'Sperrlisten',
  'with an outdated one, every certificate is refused':
    'eine abgelaufene lehnt jedes Zertifikat ab',
  'used by no host': 'von keinem Host benutzt',
  Ends: 'Endet',
  Name: 'Name',
  Whose: 'Wessen',
  'Used by': 'Benutzt von',
  Seen: 'Gesehen',
  Certificate: 'Zertifikat',
  'With it': 'Dazu',
  Valid: 'Gültig',
  '{from} to {until}': '{from} bis {until}',
  Names: 'Namen',
  'Issued by': 'Aussteller',
  Fingerprint: 'Fingerabdruck',
  'Copy the fingerprint': 'Fingerabdruck kopieren',
  'ended {day}': 'abgelaufen am {day}',
  '{day}, in {count} {count|day|days}': '{day}, in {count} {count|Tag|Tagen}',
};
