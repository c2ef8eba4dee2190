// Everything works without this: it refreshes the page, opens dialogs, tells times, knows keys.
(() => {
  'use strict';
  const root = document.documentElement;
  const $ = (selector, of = document) => of.querySelector(selector);
  const $$ = (selector, of = document) => [...of.querySelectorAll(selector)];
  const get = (name) => { try { return localStorage.getItem('sq-' + name); } catch { return null; } };
  const set = (name, value) => { try { localStorage.setItem('sq-' + name, value); } catch { /* private mode */ } };

  root.classList.add('js');
  const dress = () => { const it = get('theme'); if (it) root.dataset.theme = it; };
  dress();

  const policy = window.trustedTypes
    ? trustedTypes.createPolicy('sq', { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const parse = (text) => new DOMParser().parseFromString(policy.createHTML(text), 'text/html');

  // Times, in the zone and the words of the browser.
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
  const short = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'short' });
  const told = (at) => {
    const seconds = (at - Date.now()) / 1000, long = Math.abs(seconds);
    if (long < 60) return ago.format(Math.round(seconds), 'second');
    if (long < 3600) return ago.format(Math.round(seconds / 60), 'minute');
    if (long < 86400) return ago.format(Math.round(seconds / 3600), 'hour');
    return short.format(at);
  };
  const times = (of) => {
    const utc = get('utc') === '1';
    for (const time of $$('time', of)) {
      const at = new Date(time.dateTime);
      const text = utc ? time.dateTime.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC') : told(at);
      if (time.textContent !== text) time.textContent = text;
      time.title = utc ? exact.format(at) : `${exact.format(at)} · ${time.dateTime}`;
    }
  };

  // Changes what differs, and leaves alone what has the focus, is open or is checked.
  // Not `node.id`: a form with a field of this name has the field there.
  const key = (node) => (node.nodeType === 1 && node.getAttribute('id')) || '';
  const isBusy = (node) =>
    node.nodeType === 1 && (node.contains(document.activeElement) || $('input[name=id]:checked', node));
  const morph = (old, now) => {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now);
    if (old.nodeType !== 1) { if (old.data !== now.data) old.data = now.data; return; }
    if (old.dataset.dirty || (old === document.activeElement && old.matches('input,select,textarea'))) return;
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
    }
    for (const { name, value } of [...now.attributes]) {
      if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const named = new Map([...old.children].filter(key).map((node) => [key(node), node]));
    let at = old.firstChild;
    for (const next of [...now.childNodes]) {
      const same = key(next) && named.get(key(next));
      if (same) {
        if (same === at) at = at.nextSibling; else old.insertBefore(same, at);
        morph(same, next);
      } else if (at && !key(at) && !key(next) && at.nodeName === next.nodeName) {
        const after = at.nextSibling;
        morph(at, next);
        at = after;
      } else old.insertBefore(next, at);
    }
    while (at) {
      const after = at.nextSibling;
      if (!isBusy(at)) at.remove();
      at = after;
    }
  };

  // The page's own address is asked again and again; nothing is sent where nothing has changed.
  const ask = (url, headers) => fetch(url, { headers: { accept: 'text/vnd.sq-patch', ...headers }, cache: 'no-store' });
  const isPatch = (answer) => (answer.headers.get('content-type') || '').startsWith('text/vnd.sq-patch');
  const every = () => Number(get('every') ?? root.dataset.every);
  let tag = '', timer = 0, isUp = true;
  const tell = (up) => {
    isUp = up;
    $('#lost').hidden = up;
  };
  const poll = async () => {
    clearTimeout(timer);
    const main = $('#main[data-live]');
    if (!main || !every() || document.hidden) return;
    try {
      const answer = await ask(location.href, tag ? { 'if-none-match': tag } : {});
      if (answer.status !== 304 && isPatch(answer)) {
        tag = answer.headers.get('etag') || '';
        const next = $('#main', parse(await answer.text()));
        times(next);
        morph(main, next);
        picked();
      }
      tell(true);
    } catch { tell(false); }
    times(document);
    timer = setTimeout(poll, isUp ? every() : Math.max(every(), 4000));
  };

  // Dialogs: the same page that a browser without scripts goes to.
  const open = async (url) => {
    const dialog = $('#dialog');
    try {
      const answer = await ask(url);
      if (!isPatch(answer)) throw answer;
      dialog.replaceChildren(...$('#main', parse(await answer.text())).childNodes);
      const title = $('h1', dialog);
      if (title) title.id = 'dialog-title';
      times(dialog);
      dialog.showModal();
    } catch { location.href = url; }
  };

  // What is picked in a list.
  const boxes = () => $$('input[name=id]');
  const picked = () => {
    const all = boxes(), on = all.filter((box) => box.checked).length, bar = $('#bulk-bar');
    if (!bar) return;
    const every = $('#pick-all');
    if (every) {
      every.checked = on > 0 && on === all.length;
      every.indeterminate = on > 0 && on < all.length;
    }
    $('#picked').textContent = on || $('#all-matching')?.checked ? bar.dataset.some.replace('#', on || '*') : bar.dataset.none;
  };
  let last = -1;
  const pick = (box, isRange) => {
    const all = boxes(), at = all.indexOf(box);
    if (isRange && last >= 0) {
      for (let i = Math.min(at, last); i <= Math.max(at, last); i++) all[i].checked = box.checked;
    }
    last = at;
    picked();
  };

  const step = (by) => {
    const links = $$('#main tbody a.row');
    const at = links.findIndex((link) => link.closest('tr').contains(document.activeElement));
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  };
  const go = (page) => { const link = $(`nav a[data-key="${page}"]`); if (link) location.href = link.href; };
  const change = (name, value, how) => { set(name, value); how(); };
  const flip = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    change('theme', dark ? 'light' : 'dark', dress);
  };
  const rest = () => {
    const select = $('#every');
    select.value = every() ? '0' : root.dataset.every;
    change('every', select.value, poll);
  };
  const keys = {
    '/': () => $('#q')?.focus(), '?': () => $('#help').showModal(),
    ArrowDown: () => step(1), ArrowUp: () => step(-1),
    x: () => { const box = $('input[name=id]', document.activeElement.closest('tr') || root); if (box) { box.checked = !box.checked; pick(box); } },
    a: () => $('#pick-all')?.click(), p: () => $('#pause-reason')?.focus(),
    r: rest, t: flip, u: () => change('utc', get('utc') === '1' ? '0' : '1', () => times(document)),
  };

  document.addEventListener('DOMContentLoaded', () => {
    times(document);
    const select = $('#every');
    if (select) {
      select.value = String(every());
      select.addEventListener('change', () => change('every', select.value, poll));
    }
    $('#theme')?.addEventListener('click', flip);
    $('#keys')?.addEventListener('click', () => $('#help').showModal());
    picked();
    timer = setTimeout(poll, every() || 1e9);
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
  document.addEventListener('input', (event) => {
    const form = event.target.closest('form[data-keep]');
    if (form) form.dataset.dirty = '1';
  });
  document.addEventListener('change', (event) => {
    if (event.target.dataset.submit !== undefined) event.target.form.requestSubmit();
    if (event.target.id === 'all-matching') picked();
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.dialog === undefined) return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form, event.submitter));
    open(`${form.action.split('?')[0]}?${data}`);
  });
  document.addEventListener('click', (event) => {
    const at = event.target;
    if (at.id === 'pick-all') { for (const box of boxes()) box.checked = at.checked; picked(); }
    if (at.name === 'id' && at.type === 'checkbox') pick(at, event.shiftKey);
    const closes = at.closest('[data-close]');
    if (closes?.closest('dialog')) { event.preventDefault(); closes.closest('dialog').close(); }
    const link = at.closest('a[data-dialog]');
    if (link && !event.metaKey && !event.ctrlKey) { event.preventDefault(); open(link.href); }
    const copied = at.closest('[data-copy]');
    if (copied) {
      navigator.clipboard?.writeText(copied.dataset.copy);
      const was = copied.textContent;
      copied.textContent = '✓';
      setTimeout(() => { copied.textContent = was; }, 1000);
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return;
    if (event.target.matches('input:not([type=checkbox]),select,textarea')) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); } else if (/^[a-z]$/.test(event.key)) go(event.key);
  });
})();
