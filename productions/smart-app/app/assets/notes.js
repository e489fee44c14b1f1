const part = (id) => document.getElementById(id);

// each tab has its own launch: its address says which one, also after a reload
const launched = new URLSearchParams(location.search).get('launched');
const headers = launched === null ? {} : { 'x-launched': launched };
let refreshing;

const post = (path) =>
  fetch(path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{}',
  });

/** One refresh for all who need it; the browser adds the cookies of this launch. */
function refresh() {
  refreshing ??= post('/auth/refresh').finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

/** The answer to a call; undefined if the launch is over. */
async function called(path) {
  const ask = () => fetch(path, { headers: { ...headers, accept: 'application/json' } });
  let answer = await ask();
  if (answer.status === 401 && (await refresh()).ok) answer = await ask();
  if (answer.status === 401) return undefined;
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail ?? `The EHR answers ${answer.status}.`);
  return told;
}

/** All pages of a search: links lead through this service again. */
async function found(path) {
  const all = [];
  for (let next = path; next !== undefined; ) {
    const bundle = await called(next);
    all.push(...(bundle?.entry ?? []).map(({ resource }) => resource));
    next = bundle?.link?.find(({ relation }) => relation === 'next')?.url;
  }
  return all;
}

const listed = (id, texts) =>
  part(id).replaceChildren(
    ...texts.map((textContent) => Object.assign(document.createElement('li'), { textContent })),
  );

async function show() {
  const me = await called('/auth/me');
  part('chart').hidden = me === undefined;
  part('not-launched').hidden = me !== undefined;
  if (me === undefined) return;
  const { patient } = me.claims;
  if (patient === undefined) throw new Error('The EHR has no patient open.');
  part('patient').textContent = `Patient ${patient}`;
  document.title = `Notes on ${patient}`;
  const [results, notes] = await Promise.all([
    found(`/auth/fhir/Observation?patient=${encodeURIComponent(patient)}`),
    called('/api/notes'),
  ]);
  listed(
    'results',
    results.map(({ code, id }) => code?.text ?? id),
  );
  listed(
    'notes',
    (notes?.rows ?? []).map(({ text }) => text),
  );
}

async function signOut() {
  await post('/auth/logout');
  // nothing of the patient stays, also not behind the button Back
  part('chart').remove();
  location.replace('/');
}

const tell = (error) => {
  part('told').textContent = error.message;
};

part('sign-out').addEventListener('click', () => {
  signOut().catch(tell);
});

// a browser that goes back may show the page as it was when it was left
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

show().catch(tell);
