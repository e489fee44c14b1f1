import {
  attributeOf,
  childOf,
  childrenOf,
  escaped,
  parseXml,
  textAt,
  textOf,
  type XmlElement,
} from 'waybill/document';
import type { FileEntry } from 'waybill/peer/folder';
import { wholeSeconds } from 'waybill/peer/object-store';

/** One page of a listing. */
export interface Page {
  readonly entries: readonly Listed[];
  /** Where the next page begins; `''` if there is none. */
  readonly next: string;
}

export interface Listed extends FileEntry {
  readonly tags: ReadonlyMap<string, string>;
}

/** Reads the answer of *List Blobs* with the delimiter `/`; names are given without `prefix`. */
export function listedBlobs(xml: string, prefix: string): Page {
  const { element } = parseXml(xml);
  const blobs = childOf(element, '', 'Blobs');
  if (blobs === undefined) return { entries: [], next: '' };
  const files = childrenOf(blobs, '', 'Blob')
    .filter((blob) => textAt(propertiesOf(blob), '', 'ResourceType') !== 'directory')
    .map((blob) => fileOf(blob, prefix));
  const folders = childrenOf(blobs, '', 'BlobPrefix').map((one): Listed => {
    const name = nameOf(one).slice(prefix.length, -1);
    return { name, kind: 'folder', size: 0, modified: 0, tags: new Map() };
  });
  // an empty blob may stand for the folder itself
  const entries = [...files, ...folders].filter(({ name }) => name !== '');
  return { entries, next: textAt(element, '', 'NextMarker') };
}

function fileOf(blob: XmlElement, prefix: string): Listed {
  const properties = propertiesOf(blob);
  return {
    name: nameOf(blob).slice(prefix.length),
    kind: 'file',
    size: Number(textAt(properties, '', 'Content-Length')),
    modified: wholeSeconds(new Date(textAt(properties, '', 'Last-Modified'))),
    version: versionOf(textAt(properties, '', 'Etag')),
    tags: tagsIn(childOf(blob, '', 'Tags')),
  };
}

const propertiesOf = (blob: XmlElement): XmlElement => childOf(blob, '', 'Properties') ?? blob;

/** A name that XML cannot hold comes encoded as in an address. */
function nameOf(one: XmlElement): string {
  const name = childOf(one, '', 'Name');
  if (name === undefined) return '';
  const text = textOf(name);
  return attributeOf(name, 'Encoded') === 'true' ? decodeURIComponent(text) : text;
}

/** An ETag without its quotes: listings have none. */
export const versionOf = (etag: string): string => etag.replaceAll('"', '');

/** The tags of a blob, from the answer of *Get Blob Tags* or below a blob of a listing. */
export function tagsIn(element: XmlElement | undefined): ReadonlyMap<string, string> {
  const set = childOf(element, '', 'TagSet');
  if (set === undefined) return new Map();
  return new Map(
    childrenOf(set, '', 'Tag').map((tag) => [textAt(tag, '', 'Key'), textAt(tag, '', 'Value')]),
  );
}

export function tagsText(tags: ReadonlyMap<string, string>): string {
  const set = [...tags].map(
    ([key, value]) => `<Tag><Key>${escaped(key)}</Key><Value>${escaped(value)}</Value></Tag>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>${set.join('')}</TagSet></Tags>`;
}
