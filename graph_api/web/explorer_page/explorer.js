"use strict";
const PATIENCE = 4000; // ms for GraphiQL's files
const settings = JSON.parse(document.getElementById("settings").textContent);
const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

// GraphiQL, if its files arrive in time.

function loadAsset({ element: name, url, integrity }) {
  return new Promise((resolve, reject) => {
    const node = element(name, { integrity, crossOrigin: "anonymous", onload: resolve, onerror: reject });
    if (name === "script") node.async = false; // in their order: React first
    else node.rel = "stylesheet";
    node[name === "script" ? "src" : "href"] = url;
    document.head.append(node);
  });
}

function showGraphiql() {
  const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;
  const props = {
    fetcher: GraphiQL.createFetcher({ url: location.pathname }),
    defaultTabs: settings.examples.map(({ query }) => ({ query })),
    plugins: [GraphiQLPluginExplorer.explorerPlugin()],
    inputValueDeprecation: true,
  };
  byId("graphiql").hidden = false;
  ReactDOM.createRoot(byId("graphiql")).render(React.createElement(GraphiQL, props));
}

async function start() {
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE));
  try {
    await Promise.race([Promise.all(settings.assets.map(loadAsset)), late]);
    showGraphiql();
  } catch {
    byId("graphiql").hidden = true;
    showConsole();
  }
  byId("loading").remove();
}

// The console.

async function ask(query, variables) {
  const token = byId("token").value.trim(); // kept nowhere else
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(location.pathname, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...authorization },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, answer: await response.json() };
}

async function run() {
  const button = byId("run");
  if (button.disabled) return;
  button.disabled = true;
  say("Running …");
  const begin = performance.now();
  try {
    const variables = JSON.parse(byId("variables").value.trim() || "{}");
    const { status, answer } = await ask(byId("query").value, variables);
    const count = (answer.errors || []).length;
    const verdict = count ? `${count} error${count > 1 ? "s" : ""}` : "OK";
    say(`${verdict} · HTTP ${status} · ${Math.round(performance.now() - begin)} ms`, count ? "bad" : "good");
    showJson(JSON.stringify(answer, null, 2));
  } catch (error) {
    say(error instanceof SyntaxError ? "The variables are not JSON" : "No answer", "bad");
    byId("result").textContent = String(error);
  } finally {
    button.disabled = false;
  }
}

function say(text, tone = "") {
  Object.assign(byId("status"), { textContent: text, className: tone });
}

function showJson(text) {
  const result = byId("result");
  if (text.length > 300000) return void (result.textContent = text); // colours would make the browser slow
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    const [all, string, colon] = match;
    const className = string ? (colon ? "key" : "string") : /[a-z]{4}/.test(all) ? "word" : "number";
    parts.push(text.slice(end, match.index), element("span", { className }, string || all), colon || "");
    end = match.index + all.length;
  }
  result.replaceChildren(...parts, text.slice(end));
}

function indentNewLine(event) {
  const area = event.target;
  const before = area.value.slice(0, area.selectionStart);
  const indent = /[^\n]*$/.exec(before)[0].match(/^\s*/)[0] + (/[{([]\s*$/.test(before) ? "  " : "");
  event.preventDefault();
  document.execCommand("insertText", false, "\n" + indent); // keeps the undo history
}

function onKey(event) {
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    run();
  } else if (event.target.tagName === "TEXTAREA" && !event.shiftKey && !event.isComposing) {
    indentNewLine(event);
  }
}

function showConsole() {
  const kept = sessionStorage.getItem("query");
  byId("query").value = kept || (settings.examples[0] || { query: "{ __typename }" }).query;
  byId("variables").value = sessionStorage.getItem("variables") || "";
  byId("examples").append(
    ...settings.examples.map(({ title, query }) =>
      element("button", { textContent: title, onclick: () => useExample(query) })),
  );
  for (const id of ["query", "variables"]) {
    byId(id).addEventListener("input", (event) => sessionStorage.setItem(id, event.target.value));
  }
  byId("console").addEventListener("keydown", onKey);
  byId("run").addEventListener("click", run);
  byId("token").addEventListener("change", loadSchema);
  byId("console").hidden = false;
  byId("query").setSelectionRange(0, 0);
  byId("query").focus({ preventScroll: true });
  loadSchema();
}

function useExample(query) {
  byId("query").value = query;
  byId("variables").value = "";
  sessionStorage.setItem("query", query);
  sessionStorage.removeItem("variables");
  run();
}

// The schema browser.

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const VALUE = `name description defaultValue type { ${TYPE} }`;
const INTROSPECTION = `{ __schema {
  queryType { name } mutationType { name }
  types {
    kind name description
    fields(includeDeprecated: true) { name description deprecationReason args { ${VALUE} } type { ${TYPE} } }
    inputFields { ${VALUE} } enumValues { name description } possibleTypes { name } interfaces { name }
  }
} }`;
const types = new Map();
const trail = [];

async function loadSchema() {
  if (types.size) return;
  try {
    const { answer } = await ask(INTROSPECTION);
    if (!answer.data) throw new Error(answer.errors[0].message);
    const schema = answer.data.__schema;
    for (const type of schema.types) if (!type.name.startsWith("__")) types.set(type.name, type);
    const roots = [schema.queryType, schema.mutationType].filter(Boolean).map(({ name }) => name);
    byId("search").addEventListener("input", () => showFound(byId("search").value.trim().toLowerCase(), roots[0]));
    byId("back").addEventListener("click", () => { trail.pop(); draw(trail.at(-1)); });
    open(roots[0]);
    if (roots[1]) byId("search").before(element("div", {}, "Roots: ", typeLink(roots[0]), " · ", typeLink(roots[1])));
  } catch (error) {
    byId("docs").textContent = `The schema cannot be read: ${error.message}`;
  }
}

function open(name) {
  trail.push(name);
  draw(name);
}

function draw(name) {
  const type = types.get(name);
  byId("back").hidden = trail.length < 2;
  byId("docs").replaceChildren(
    element("h3", { textContent: name }),
    element("p", { textContent: type.description || "" }),
    ...namesLine("Implements", type.interfaces),
    ...namesLine("Possible types", type.possibleTypes),
    element("ul", {}, ...(type.fields || type.inputFields || type.enumValues || []).map(drawField)),
  );
  byId("docs").scrollTop = 0;
}

function namesLine(title, list) {
  if (!list || !list.length) return [];
  return [element("p", {}, `${title}: `, ...list.flatMap(({ name }, index) => [index ? ", " : "", typeLink(name)]))];
}

function drawField(field) {
  const signature = element("code", {}, field.name, ...(field.type ? [": ", ...typeText(field.type)] : []));
  if (field.defaultValue) signature.append(` = ${field.defaultValue}`);
  const item = element("li", {}, signature);
  if (field.deprecationReason) item.append(element("p", { textContent: `Deprecated: ${field.deprecationReason}` }));
  if (field.description) item.append(element("p", { textContent: field.description }));
  if (field.args && field.args.length) {
    const summary = element("summary", { textContent: `Arguments (${field.args.length})` });
    item.append(element("details", {}, summary, element("ul", {}, ...field.args.map(drawField))));
  }
  return item;
}

function typeText(type) {
  if (type.kind === "NON_NULL") return [...typeText(type.ofType), "!"];
  if (type.kind === "LIST") return ["[", ...typeText(type.ofType), "]"];
  return [typeLink(type.name)];
}

function typeLink(name) {
  return element("button", { className: "type", textContent: name, onclick: () => open(name) });
}

function showFound(text, root) {
  if (!text) return draw(trail.at(-1) || root);
  const named = [...types.keys()].filter((name) => name.toLowerCase().includes(text)).sort();
  const found = named.map((name) => element("li", {}, typeLink(name)));
  for (const type of types.values()) {
    for (const field of type.fields || type.inputFields || []) {
      if (field.name.toLowerCase().includes(text)) {
        found.push(element("li", {}, typeLink(type.name), element("code", {}, `.${field.name}`)));
      }
    }
  }
  const title = `${found.length} found`;
  byId("docs").replaceChildren(element("h3", { textContent: title }), element("ul", {}, ...found.slice(0, 200)));
}

start();
