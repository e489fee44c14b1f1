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
  Credential: 'Credential',
  Discard: 'Verwerfen',
  'hub.hospital.example': 'hub.spital.example',
  'DNS:hub, IP:10.0.0.5': 'DNS:hub, IP:10.0.0.5',
  'With it': 'Dazu',
  Valid: 'Gültig',
  '{from} to {until}': '{from} bis {until}',
  Names: 'Namen',
  'Issued by': 'Aussteller',
  Fingerprint: 'Fingerabdruck',
  'Copy the fingerprint': 'Fingerabdruck kopieren',
  'Keys that wait for their certificates': 'Schlüssel, die auf ihr Zertifikat warten',
  'New key…': 'Neuer Schlüssel…',
  'None. A new key is made on the server and stays there; what it gives you is the request that an authority signs.':
    'Keine. Ein neuer Schlüssel entsteht auf dem Server und bleibt dort; Sie bekommen den Antrag, den eine Zertifizierungsstelle unterschreibt.',
  'made on {day}': 'erzeugt am {day}',
  'Copy the request of {name}': 'Antrag von {name} kopieren',
  'Download request': 'Antrag herunterladen',
  'Certificate…': 'Zertifikat…',
  'Discard…': 'Verwerfen…',
  'Discard the key of {name}': 'Schlüssel von {name} verwerfen',
  'A certificate that an authority signs for it is of no use then. What is in use stays.':
    'Ein Zertifikat, das eine Stelle dafür noch ausstellt, ist dann nutzlos. Was benutzt wird, bleibt.',
  'New key': 'Neuer Schlüssel',
  'One of kind certificate, or the name of a new one.':
    'Einer der Art certificate, oder der Name eines neuen.',
  'Name of the server or client': 'Name des Servers oder Clients',
  'Further names': 'Weitere Namen',
  'Under which peers connect; separated by commas.':
    'Unter denen sich andere verbinden; mit Kommas getrennt.',
  'Kind of key': 'Art des Schlüssels',
  'Elliptic curve (P-256)': 'Elliptische Kurve (P-256)',
  'RSA, 3072 bit: for old peers, and Entra': 'RSA, 3072 Bit: für alte Gegenstellen und Entra',
  'The key is made on the server, readable for Waybill alone, and shown to nobody. What is in use stays until the certificate is there.':
    'Der Schlüssel entsteht auf dem Server, nur für Waybill lesbar, und wird niemandem gezeigt. Was benutzt wird, bleibt, bis das Zertifikat da ist.',
  'Make the key': 'Schlüssel erzeugen',
  'Certificate of {name}': 'Zertifikat von {name}',
  'Files: the certificate and its intermediates, PEM':
    'Dateien: das Zertifikat und seine Zwischenzertifikate, PEM',
  'It must fit the key and be valid now. It is used at once; the pair before stays on the server as {file}.':
    'Es muss zum Schlüssel passen und jetzt gültig sein. Es wird sofort benutzt; das Paar davor bleibt als {file} auf dem Server.',
  'Check and use it': 'Prüfen und benutzen',
  '{subject} and its key are on the server, until {day}.':
    '{subject} und sein Schlüssel liegen auf dem Server, gültig bis {day}.',
  '{subject} is used now, until {day}.': '{subject} wird jetzt benutzt, gültig bis {day}.',
  'For credentials of the production:': 'Für credentials der Produktion:',
  'Copy the line': 'Zeile kopieren',
  'ended {day}': 'abgelaufen am {day}',
  '{day}, in {count} {count|day|days}': '{day}, in {count} {count|Tag|Tagen}',
};
