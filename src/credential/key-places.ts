import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { EngineError } from '../error/engine-error.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { isInside } from '../time/inside-folder.ts';
import type { CertificateValues } from './certificate.ts';

/** Where certificate and key of an entry come from. */
type Held = Pick<CertificateValues, 'certificate' | 'key' | 'passphrase'>;

/** Where the key of a credential lies, and waits. */
export interface KeyPlace {
  readonly name: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of a key without its certificate. */
  readonly next: string;
  /** Both below the production's folder. */
  readonly shown: { readonly certificate: string; readonly key: string };
  readonly isNew: boolean;
}

export type Entries = ReadonlyMap<string, Held | 'other'>;

export interface KeyPlaces {
  /** Throws CONFIG_INVALID if the credential has none. */
  of(name: string): Promise<KeyPlace>;
  /** Where a key may wait. */
  all(): Promise<readonly KeyPlace[]>;
  /** Makes its folder. Throws CONFIG_INVALID if it leads out of the production's, or something is there that no credential names. */
  prepare(place: KeyPlace): Promise<void>;
}

/** Of credentials that the production does not have yet. */
const NEW = 'tls';
const NEXT = '.next';
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

export function keyPlaces(folder: string, entries: () => Promise<Entries>): KeyPlaces {
  const placed: Placed = ({ name, certificate, key, isNew }) => ({
    name,
    certificateFile: certificate,
    keyFile: key,
    next: `${key}${NEXT}`,
    shown: { certificate: below(folder, certificate), key: below(folder, key) },
    isNew,
  });
  const ofNew = (name: string): KeyPlace =>
    placed({
      name,
      certificate: join(folder, NEW, `${name}.crt`),
      key: join(folder, NEW, `${name}.key`),
      isNew: true,
    });
  const of = async (name: string): Promise<KeyPlace> => {
    const known = (await entries()).get(name);
    if (known !== undefined) return ofEntry(name, known, placed);
    if (!NAME.test(name)) {
      throw invalid(`${name} is no name for a credential: letters, digits, - _ and . only`);
    }
    return ofNew(name);
  };
  return {
    of,
    async all() {
      const own = [...(await entries())].flatMap(([name, one]) =>
        isExchangeable(one) ? [ofEntry(name, one, placed)] : [],
      );
      const there = await readdir(join(folder, NEW)).catch((error: unknown) =>
        tolerate(error, (one) => isSystemError(one, 'ENOENT', 'ENOTDIR'), 'looking for keys'),
      );
      const taken = new Set(own.map(({ next }) => next));
      const others = (there ?? [])
        .filter((file) => file.endsWith(`.key${NEXT}`))
        .map((file) => ofNew(basename(file, `.key${NEXT}`)))
        .filter(({ name, next }) => NAME.test(name) && !taken.has(next));
      return [...own, ...others];
    },
    async prepare(place) {
      await checkInside(folder, place.keyFile);
      await checkInside(folder, place.certificateFile);
      if (place.isNew) await checkFree(place);
      await mkdir(dirname(place.keyFile), { recursive: true });
    },
  };
}

/** Makes a place of the paths of its two files. */
type Placed = (
  of: Pick<KeyPlace, 'name' | 'isNew'> & { readonly certificate: string; readonly key: string },
) => KeyPlace;

const isExchangeable = (one: Held | 'other'): one is Held =>
  one !== 'other' &&
  'file' in one.certificate &&
  one.key !== undefined &&
  'file' in one.key &&
  one.passphrase === undefined;

function ofEntry(name: string, one: Held | 'other', placed: Placed): KeyPlace {
  if (one === 'other') throw invalid(`${name} is no credential of kind certificate`);
  const { certificate, key } = one;
  if (!isExchangeable(one) || !('file' in certificate) || key === undefined || !('file' in key)) {
    throw invalid(
      `certificate and key of ${name} are not two files without a passphrase, so they cannot be exchanged here: renew them where they come from`,
    );
  }
  return placed({ name, certificate: certificate.file, key: key.file, isNew: false });
}

const below = (folder: string, file: string): string => relative(folder, file).split(sep).join('/');

/** Whoever may write files of a production must not lead a key elsewhere. */
async function checkInside(folder: string, file: string): Promise<void> {
  if (await isInside(folder, file)) return;
  throw invalid(
    `${file} is not in the production's folder, and nothing else is written here: use waybill certificate request`,
  );
}

async function checkFree({ certificateFile, keyFile, shown }: KeyPlace): Promise<void> {
  for (const file of [certificateFile, keyFile]) {
    const there = await stat(file).catch((error: unknown) =>
      tolerate(error, (one) => isSystemError(one, 'ENOENT'), 'looking whether a key is there'),
    );
    if (there !== undefined) {
      throw invalid(
        `${file === keyFile ? shown.key : shown.certificate} is there already, and no credential that runs names it: take another name`,
      );
    }
  }
}

const invalid = (text: string): EngineError => new EngineError('CONFIG_INVALID', text);
