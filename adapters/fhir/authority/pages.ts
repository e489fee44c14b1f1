import type { HttpReply } from 'waybill/peer/http-server';
import type { PageLanguage } from 'waybill/peer/sign-in';
import { escaped, htmlPage, inLanguage } from 'waybill/peer/sign-in';
import type { AuthorizationRequest } from './authorization-request.ts';
import { type PageWords, WORDS } from './page-words.ts';

interface Form {
  readonly action: string;
  /** Sealed: what the application asks for, and who the person is once that is known. */
  readonly sealed: string;
  readonly cookies: readonly string[];
  readonly language: PageLanguage;
}

/** A scope in words; undefined for one that only says how an application is launched. */
function scopeInWords(scope: string, words: PageWords): string | undefined {
  const [, level = '', type = '', letters = ''] = /^(\w+)\/([\w*]+)\.(.+)$/.exec(scope) ?? [];
  if (level === '') return words.others[scope];
  const acts =
    words.letters[letters] ??
    letters
      .split('')
      .map((one) => words.letters[one] ?? one)
      .join(', ');
  return `${acts}: ${type === '*' ? words.allRecords : type} ${words.levels[level] ?? ''}`;
}

const listOf = (scopes: readonly string[], words: PageWords): string =>
  scopes
    .flatMap((one) => scopeInWords(one, words) ?? [])
    .map((one) => `<li>${escaped(one)}</li>`)
    .join('');

function formOf({ action, sealed, language }: Form, content: string): string {
  const { allow, deny } = WORDS[language];
  return `<form method="post" action="${escaped(action)}"><input type="hidden" name="request" value="${escaped(sealed)}">${content}<button name="decision" value="allow">${allow}</button><button name="decision" value="deny" formnovalidate>${deny}</button></form>`;
}

/** A sign-in that was refused; what was typed as the name stays, the password does not. */
export interface RefusedSignIn {
  readonly status: number;
  readonly text: string;
  readonly user: string;
}

/** A patient for whom an application may be launched, and how people know them. */
export interface OfferedPatient {
  readonly id: string;
  readonly name: string;
}

interface SignIn {
  /** Who has signed in already. */
  readonly person: string | undefined;
  /** The host of the OpenID provider. */
  readonly provider: string | undefined;
  readonly refused: RefusedSignIn | undefined;
}

/** Where a person signs in and lets an application in. */
export function signInPage(
  { title, scopes }: AuthorizationRequest,
  form: Form,
  { person, provider, refused }: SignIn,
): HttpReply {
  const other = person === undefined && provider !== undefined ? atProvider(form, provider) : '';
  const { language } = form;
  const words = WORDS[language];
  const why = refused === undefined ? '' : inLanguage(refused.text, language);
  const told = why === '' ? '' : `<p role="alert">${escaped(why)}</p>`;
  return htmlPage(
    title,
    `<p>${words.asksFor}</p><ul>${listOf(scopes, words)}</ul>${told}${other}${formOf(
      form,
      person === undefined
        ? passwordOf(words, refused?.user)
        : `<p>${words.signedInAs} ${escaped(person)}.</p>`,
    )}`,
    { status: refused?.status ?? 200, headers: { 'set-cookie': [...form.cookies] }, language },
  );
}

const passwordOf = ({ name, password }: PageWords, user = ''): string =>
  `<label>${name} <input name="user" autocomplete="username" value="${escaped(user)}" required></label><label>${password} <input name="password" type="password" autocomplete="current-password" required></label>`;

/** A form of its own: Enter in the other one is not for it. */
const atProvider = ({ action, sealed, language }: Form, host: string): string =>
  `<form method="post" action="${escaped(action)}"><input type="hidden" name="request" value="${escaped(sealed)}"><button name="decision" value="provider">${WORDS[language].signInAt} ${escaped(host)}</button></form>`;

/** Where a person chooses for which patient. */
export const patientPage = (
  { title }: AuthorizationRequest,
  form: Form,
  patients: readonly OfferedPatient[],
): HttpReply =>
  htmlPage(
    title,
    `<p>${WORDS[form.language].whichPatient}</p>${formOf(
      form,
      patients
        .map(
          ({ id, name }) =>
            `<label><input type="radio" name="patient" value="${escaped(id)}" required> ${escaped(name)}</label>`,
        )
        .join(''),
    )}`,
    { headers: { 'set-cookie': [...form.cookies] }, language: form.language },
  );
