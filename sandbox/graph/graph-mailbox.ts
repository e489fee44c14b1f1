import { randomUUID } from 'node:crypto';
import type { GraphContent, GraphMessage } from './graph-message.ts';
import { isMeantBy } from './graph-message.ts';
import { GraphRefusal, notFound } from './graph-refusal.ts';

/** Folders that every mailbox has, by their well-known names. */
const WELL_KNOWN = {
  inbox: 'Inbox',
  drafts: 'Drafts',
  sentitems: 'Sent Items',
  deleteditems: 'Deleted Items',
  archive: 'Archive',
  junkemail: 'Junk Email',
  outbox: 'Outbox',
} as const;

export interface GraphFolder {
  readonly id: string;
  readonly displayName: string;
  readonly parentFolderId: string;
}

/** An item that left a folder: moved or deleted. */
export interface Departure {
  readonly key: string;
  readonly folder: string;
  readonly generation: number;
  readonly at: number;
}

/** The parent of the top folders. */
export const ROOT = 'msgfolderroot';

/** One mailbox in memory, with a log of its changes for delta queries. */
export class GraphMailbox {
  readonly address: string;
  readonly departures: Departure[] = [];
  /** Tokens of delta queries before this change are too old. */
  oldestToken = 0;
  #changes = 0;
  readonly #messages = new Map<string, GraphMessage>();
  readonly #folders: GraphFolder[];

  constructor(address: string) {
    this.address = address;
    this.#folders = Object.entries(WELL_KNOWN).map(([id, displayName]) => ({
      id,
      displayName,
      parentFolderId: ROOT,
    }));
  }

  get changes(): number {
    return this.#changes;
  }

  /** By id, or by well-known name. */
  folder(id: string): GraphFolder {
    const wanted = id.toLowerCase();
    const found = this.#folders.find((one) => one.id.toLowerCase() === wanted);
    if (found !== undefined) return found;
    throw new GraphRefusal(
      404,
      'ErrorFolderNotFound',
      'The specified folder could not be found in the store.',
    );
  }

  foldersBelow(parent: string): readonly GraphFolder[] {
    return this.#folders.filter((one) => one.parentFolderId === parent);
  }

  addFolder(parent: string, displayName: string): GraphFolder {
    const same = this.foldersBelow(parent).some((one) => one.displayName === displayName);
    if (same) {
      throw new GraphRefusal(
        409,
        'ErrorFolderExists',
        'A folder with the specified name already exists.',
      );
    }
    const added = { id: `AQMkAD${randomUUID()}`, displayName, parentFolderId: parent };
    this.#folders.push(added);
    return added;
  }

  /** Oldest first. */
  messages(folder?: string): readonly GraphMessage[] {
    const all = [...this.#messages.values()];
    return folder === undefined ? all : all.filter((one) => one.folder === folder);
  }

  find(id: string): GraphMessage {
    const found = this.messages().find((one) => isMeantBy(id, one));
    if (found === undefined) throw notFound();
    return found;
  }

  add(content: GraphContent, folder: string, received = Date.now()): GraphMessage {
    this.#changes += 1;
    const message: GraphMessage = {
      ...content,
      key: randomUUID(),
      folder,
      generation: 0,
      isRead: folder !== 'inbox',
      isDraft: folder === 'drafts',
      categories: [],
      received,
      created: this.#changes,
      changed: this.#changes,
    };
    this.#messages.set(message.key, message);
    return message;
  }

  change(message: GraphMessage, changes: Partial<GraphMessage>): GraphMessage {
    this.#changes += 1;
    const changed = { ...message, ...changes, changed: this.#changes };
    this.#messages.set(message.key, changed);
    return changed;
  }

  move(message: GraphMessage, folder: string): GraphMessage {
    this.#depart(message);
    const generation = message.generation + 1;
    return this.change(message, { folder, generation, created: this.#changes + 1 });
  }

  remove(message: GraphMessage): void {
    this.#depart(message);
    this.#messages.delete(message.key);
  }

  /** Makes every delta token issued so far too old. */
  forgetTokens(): void {
    this.#changes += 1;
    this.oldestToken = this.#changes;
  }

  #depart({ key, folder, generation }: GraphMessage): void {
    this.#changes += 1;
    this.departures.push({ key, folder, generation, at: this.#changes });
  }
}
