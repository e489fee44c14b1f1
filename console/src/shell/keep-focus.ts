/**
 * Keeps the place of people who work by keyboard. An act often takes away what had the focus: Stop becomes Start, a row is gone,
 * a button is disabled until the answer is there, another page is shown. The browser then begins again at the top of the
 * page, without showing where. Here the focus comes back to what had it, once that can take it again; otherwise to the
 * heading of the part that it was in, on another page to that page's, so that a screen reader says where one is.
 */

interface Place {
  readonly element: Focusable;
  /** The dialog that it is in. */
  readonly dialog: Element | null;
  /** The parts of the page, or of the dialog, that it is in, from the inside out. */
  readonly around: readonly HTMLElement[];
}

type Focusable = HTMLElement | SVGElement;

/** What a screen reader has a name or content for; anything else in between is only layout. */
const PARTS = ['li', 'tr', 'form', 'section', 'dialog', 'main', 'nav', '[role=region]'].join(',');

/** Where the focus was: on the page, then in the dialog that was opened over it, and so on. */
let places: readonly Place[] = [];
let asked = false;

const observer = new MutationObserver(() => {
  if (asked) return;
  asked = true;
  // a page changes in several steps, of which the last one counts
  requestAnimationFrame(() => {
    asked = false;
    comeBack();
  });
});

const isFocusable = (target: EventTarget | null): target is Focusable =>
  target instanceof HTMLElement || target instanceof SVGElement;

/** Called with what the first key was pressed on: people who only use a pointer do not need it. */
export function keepFocus(first: EventTarget | null): void {
  tellPages();
  if (isFocusable(document.activeElement)) remember(document.activeElement);
  // it may be disabled or gone by now
  if (places.length === 0 && isFocusable(first)) remember(first);
  comeBack();
  document.addEventListener('focusin', ({ target }) => {
    if (!isFocusable(target)) return;
    // tabbing out of the sheet would go on behind it
    if (target.closest('main') !== null) menuButton()?.click();
    if (target.matches(':focus-visible')) remember(target);
    else forget(target);
  });
  // whoever pointed at it before may continue by keyboard
  document.addEventListener(
    'keydown',
    ({ key, target }) => {
      if (isFocusable(target)) remember(target);
      if (key === 'Escape') closeMenu();
    },
    { capture: true },
  );
  document.addEventListener('pointerdown', ({ target }) => forget(target), { capture: true });
  document.addEventListener('click', () => requestAnimationFrame(enterMenu));
}

/** Of the sheet of pages on a phone, while that is open. */
const menuButton = (): HTMLElement | null => document.querySelector('header [aria-expanded=true]');

function enterMenu(): void {
  const button = menuButton();
  if (button !== null && button === document.activeElement)
    document.querySelector<HTMLElement>('nav a')?.focus();
}

function closeMenu(): void {
  const button = menuButton();
  button?.click();
  button?.focus();
}

/** Tells a screen reader which page is shown after one has gone to another. */
function tellPages(): void {
  const title = document.querySelector('title');
  if (title === null) return;
  const told = document.createElement('p');
  told.className = 'sr-only';
  told.setAttribute('role', 'status');
  document.body.append(told);
  new MutationObserver(() => {
    told.textContent = document.title;
  }).observe(title, { childList: true });
}

function remember(element: Focusable): void {
  if (element === document.body || places.at(-1)?.element === element) return;
  const dialog = element.closest('dialog');
  const around: HTMLElement[] = [];
  for (let at = element.parentElement; at !== null; at = at.parentElement) {
    if (at.matches(PARTS)) around.push(at);
    if (at === dialog) break;
  }
  places = [...otherPlaces(dialog), { element, dialog, around }];
  observer.observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ['disabled', 'hidden', 'open'],
  });
}

/** A click sets the place; what is below a dialog waits until that is closed. */
function forget(target: EventTarget | null): void {
  places = otherPlaces(isFocusable(target) ? target.closest('dialog') : null);
  if (places.length === 0) observer.disconnect();
}

const otherPlaces = (dialog: Element | null): readonly Place[] =>
  places.filter((one) => one.dialog !== dialog && one.dialog?.isConnected !== false);

function comeBack(): void {
  const now = document.activeElement ?? document.body;
  if (places.length === 0 || now !== document.body) return;
  for (const { element, around } of places.toReversed()) {
    if (element.isConnected && isSeen(element)) {
      // one that is disabled for the moment gets it later
      if (!element.matches(':disabled')) element.focus({ preventScroll: true });
      return;
    }
    const left = around.find((one) => one.isConnected && isSeen(one));
    if (left !== undefined) return goTo(successor(element, left) ?? headingOf(left) ?? left);
  }
  goTo(headingOf(document));
}

function goTo(next: HTMLElement | null): void {
  if (next === null || !isSeen(next)) return;
  if (next.tabIndex < 0) next.setAttribute('tabindex', '-1');
  next.focus();
}

const headingOf = (part: ParentNode): HTMLElement | null => part.querySelector('h1, h2, h3');

/** A field that was drawn anew. */
function successor(element: Focusable, within: ParentNode): HTMLElement | null {
  const name = element.getAttribute('name');
  if (name === null) return null;
  return within.querySelector<HTMLElement>(`${element.tagName}[name="${CSS.escape(name)}"]`);
}

const isSeen = (element: Element): boolean => element.checkVisibility({ visibilityProperty: true });

/** Whether the focus is where nothing can be pressed. */
export function isNowhere(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || activeElement.matches('h1');
}
