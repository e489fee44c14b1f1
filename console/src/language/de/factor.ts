import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Second factor': 'Zweiter Faktor',
  'what you sign in with besides your password': 'womit Sie sich neben dem Passwort anmelden',
  'You sign in through a provider: a second factor is set up there.':
    'Sie melden sich über einen Anbieter an: Ein zweiter Faktor wird dort eingerichtet.',
  'Your role needs a second factor.': 'Ihre Rolle braucht einen zweiten Faktor.',
  'Whoever learns your password can sign in as you. A second factor prevents that.':
    'Wer Ihr Passwort erfährt, kann sich als Sie anmelden. Ein zweiter Faktor verhindert das.',
  '{count} {count|recovery code is|recovery codes are} left. Make new ones before you need them.':
    '{count} {count|Wiederherstellungscode ist|Wiederherstellungscodes sind} übrig. Erzeugen Sie neue, bevor Sie sie brauchen.',
  'Authenticator app': 'Authenticator-App',
  'Set up an app': 'App einrichten',
  'Set up another app instead': 'Stattdessen eine andere App einrichten',
  'None is set up.': 'Keine ist eingerichtet.',
  Passkeys: 'Passkeys',
  Passkey: 'Passkey',
  'Add a passkey': 'Passkey hinzufügen',
  'No passkey can be made here: {why}': 'Hier lässt sich kein Passkey anlegen: {why}',
  'for {site}': 'für {site}',
  'Recovery codes': 'Wiederherstellungscodes',
  'Make new ones': 'Neue erzeugen',
  '{count} of them {count|is|are} left, for when the device is not at hand.':
    '{count} davon {count|ist|sind} übrig, falls das Gerät nicht zur Hand ist.',
  'since {time}': 'seit {time}',
  'never used': 'nie benutzt',
  'last used {time}': 'zuletzt benutzt {time}',
  'Remove {name}': '{name} entfernen',
  'New recovery codes': 'Neue Wiederherstellungscodes',
  'The codes that you have now are void as soon as there are new ones.':
    'Die bisherigen Codes gelten nicht mehr, sobald es neue gibt.',
  'You cannot sign in with it any more. Your other sessions and all your tokens end, in case somebody else has the device.':
    'Damit können Sie sich nicht mehr anmelden. Ihre anderen Sitzungen und alle Ihre Tokens enden, falls jemand anderes das Gerät hat.',

  // setting up
  'Your role needs more than a password. Choose what you will also sign in with.':
    'Ihre Rolle braucht mehr als ein Passwort. Wählen Sie, womit Sie sich zusätzlich anmelden.',
  'Your password': 'Ihr Passwort',
  'Continue ## a form': 'Weiter',
  'Type the password again': 'Passwort noch einmal eingeben',
  'Scan this with an authenticator app, such as the one your phone already has, or type the key. Then enter the code that the app shows.':
    'Scannen Sie das mit einer Authenticator-App, etwa der, die Ihr Telefon schon hat, oder tippen Sie den Schlüssel ab. Geben Sie dann den Code ein, den die App zeigt.',
  'QR code with the key': 'QR-Code mit dem Schlüssel',
  Key: 'Schlüssel',
  'Copy the key': 'Schlüssel kopieren',
  'Code of the app': 'Code der App',
  'Use this app': 'Diese App verwenden',
  'A passkey is kept by this device, your phone or a security key. It works only for this console, so nobody can trick you into giving it away.':
    'Einen Passkey bewahrt dieses Gerät, Ihr Telefon oder ein Sicherheitsschlüssel auf. Er gilt nur für diese Konsole, sodass ihn niemand Ihnen ablisten kann.',
  'Name of the passkey': 'Name des Passkeys',
  'This device': 'Dieses Gerät',
  'by which you recognise it in the list': 'an dem Sie ihn in der Liste erkennen',
  'Waiting for the device…': 'Warten auf das Gerät …',
  'Make the passkey': 'Passkey anlegen',
  'It was cancelled, or took too long. Try again.':
    'Es wurde abgebrochen oder dauerte zu lange. Versuchen Sie es noch einmal.',
  'This device has a passkey for this console already.':
    'Dieses Gerät hat schon einen Passkey für diese Konsole.',
  'The browser cannot use a passkey here: {why}':
    'Der Browser kann hier keinen Passkey verwenden: {why}',
  'Keep these recovery codes where you find them without this device. Each signs you in once instead of a code or passkey. They are not shown again.':
    'Bewahren Sie diese Wiederherstellungscodes dort auf, wo Sie sie ohne dieses Gerät finden. Jeder gilt einmal anstelle eines Codes oder Passkeys. Sie werden nicht noch einmal gezeigt.',
  'Save as a file': 'Als Datei speichern',
  'Copy the codes': 'Codes kopieren',
  'I have kept them': 'Ich habe sie aufbewahrt',

  // signing in
  'Use a passkey': 'Passkey verwenden',
  'Your passkey belongs to another address of this console.':
    'Ihr Passkey gehört zu einer anderen Adresse dieser Konsole.',
  'Recovery code': 'Wiederherstellungscode',
  'Use a recovery code': 'Wiederherstellungscode verwenden',
  'Use a code of the app': 'Code der App verwenden',
  Back: 'Zurück',
  'Sign in': 'Anmelden',
  'Signing in…': 'Anmeldung läuft …',
  'It is set up. Another second factor was set up just before, in another tab or browser: the recovery codes that were shown there hold for this one too. If nobody kept them, make new ones.':
    'Es ist eingerichtet. Kurz zuvor wurde in einem anderen Tab oder Browser ein anderer zweiter Faktor eingerichtet: Die dort gezeigten Wiederherstellungscodes gelten auch für diesen. Hat sie niemand aufbewahrt, erstellen Sie neue.',
  Close: 'Schließen',
};
