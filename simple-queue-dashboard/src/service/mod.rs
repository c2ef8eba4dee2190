//! From a request to its answer: who asks, may they, and which page or act it is.

mod cache;
mod probes;
mod shown;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, Method, Request, StatusCode, Uri, request::Parts};
use http_body_util::{BodyExt, Limited};
use simple_queue::{Admin, Right, Rights, SimpleQueue};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    acts::{self, Act, Done},
    assets::Asset,
    gate::{Admit, Gate, Verdict, Visitor},
    pages::{self, Page},
    sample::Sampler,
    settings::Settings,
    text,
    trouble::Trouble,
    visit::Visit,
    wire::{Answer, Asked, Format, Params, is_known_host, is_same_origin},
};
use cache::Cache;

/// 4 MiB, the longest form: a payload has at most 1 MiB, and its characters may be sent as three each.
const LONGEST_FORM: usize = 4 * 1024 * 1024;

/// 60 s for which it is remembered what the role of the database may do.
const ROLE_REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// 5 s, after which it is asked again where there was no answer.
const ROLE_UNKNOWN_FOR: Duration = Duration::from_secs(5);

/// 500 ms for what the role may do.
const ROLE_PATIENCE: Duration = Duration::from_millis(500);

/// 3 s for a page.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct Server {
    queue: SimpleQueue,
    /// The view of which those of the visitors are made.
    admin: Admin,
    settings: Arc<Settings>,
    gate: Gate,
    sampler: Arc<Sampler>,
    cache: Cache,
    /// What is left of rights with the role of the database, and until when that is known. The request that asks has
    /// the lock, and the others wait for its answer.
    roles: AsyncMutex<HashMap<Rights, (Instant, Rights)>>,
}

impl Server {
    pub(crate) fn new(
        queue: SimpleQueue,
        admin: Admin,
        settings: Settings,
        gate: Gate,
    ) -> Arc<Self> {
        let every = if settings.refresh.is_zero() { PATIENCE } else { settings.refresh };
        let sampler = Sampler::new(queue.clone(), admin.clone(), every);
        let (settings, roles) = (Arc::new(settings), AsyncMutex::default());
        let cache = Cache::new(every);
        Arc::new(Self { queue, admin, settings, gate, sampler, cache, roles })
    }

    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let Some(mut asked) = Asked::of(&parts, &self.settings.prefix) else {
            return Answer::text(StatusCode::NOT_FOUND, text::NOT_FOUND);
        };
        if let Some(answer) = probes::answer(&self.queue, &asked).await {
            return answer;
        }
        if let Some(hosts) = &self.settings.hosts
            && !is_known_host(hosts, &parts.headers, &parts.uri)
        {
            return Answer::text(StatusCode::MISDIRECTED_REQUEST, text::OTHER_HOST);
        }
        if let [folder, name] = asked.path.as_slice()
            && folder == "assets"
        {
            let asset = Asset::find(name).map(Answer::asset);
            return asset.unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, text::NOT_FOUND));
        }
        let (headers, uri) = (parts.headers.clone(), parts.uri.clone());
        let visitor = match self.visitor(parts, &asked).await {
            Ok(visitor) => visitor,
            Err(answer) => return answer,
        };
        if asked.method == Method::POST {
            if let Some(refused) = self.refused(&headers, &uri, &asked) {
                return refused;
            }
            match Limited::new(body, LONGEST_FORM).collect().await {
                Ok(body) => asked.form = Params::parse(&body.to_bytes()),
                Err(_) => return Answer::text(StatusCode::PAYLOAD_TOO_LARGE, text::TOO_LONG),
            }
        }
        let visit = self.visit(&visitor, asked).await;
        match visit.asked.method {
            Method::GET | Method::HEAD => self.look(&visitor, visit).await,
            Method::POST => self.act(&visitor, visit).await,
            _ => Answer::only("GET, POST"),
        }
    }

    /// A form of another page, or none at all.
    fn refused(&self, headers: &HeaderMap, uri: &Uri, asked: &Asked) -> Option<Answer> {
        if !is_same_origin(headers, uri) {
            let trouble = Trouble::NotAllowed(text::OTHER_ORIGIN.to_owned());
            return Some(shown::bare(&self.settings, asked.format, &trouble));
        }
        Act::of(&asked.path).is_none().then(|| Answer::only("GET"))
    }

    /// Who asks, or what they are told instead.
    async fn visitor(&self, parts: Parts, asked: &Asked) -> Result<Visitor, Answer> {
        let format = asked.format;
        let refused = |words: &str| {
            let trouble = Trouble::NotAllowed(words.to_owned());
            shown::bare(&self.settings, format, &trouble)
        };
        match self.gate.ask(parts).await {
            None if format == Format::Json => Err(refused(text::CLOSED)),
            None => Err(shown::closed(&self.settings)),
            Some(Admit(Verdict::Refused)) => Err(refused(text::REFUSED)),
            Some(Admit(Verdict::Login(_))) if format != Format::Page => {
                Err(Answer::json(StatusCode::UNAUTHORIZED, r#"{"error":"login"}"#.to_owned()))
            }
            Some(Admit(Verdict::Login(url))) => Err(Answer::see(&url)),
            Some(Admit(Verdict::Visitor(visitor))) if !visitor.rights.has(Right::See) => {
                Err(refused(text::REFUSED))
            }
            Some(Admit(Verdict::Visitor(visitor))) => Ok(visitor),
        }
    }

    async fn visit(&self, visitor: &Visitor, asked: Asked) -> Visit {
        let rights = self.rights(visitor.rights).await;
        Visit {
            settings: Arc::clone(&self.settings),
            queue: self.queue.clone(),
            admin: self.admin.clone().as_actor(&visitor.name).with_rights(rights),
            asked,
            sample: None,
        }
    }

    /// What is left of these rights: in a dashboard that only looks, and with the role of the database. While that
    /// cannot be asked, the database itself refuses what the role may not do.
    async fn rights(&self, given: Rights) -> Rights {
        let given = if self.settings.is_read_only { only_to_look(given) } else { given };
        let mut roles = self.roles.lock().await;
        if let Some((until, rights)) = roles.get(&given)
            && *until > Instant::now()
        {
            return *rights;
        }
        let asked = self.admin.clone().with_rights(given).for_role();
        let (rights, known_for) = match tokio::time::timeout(ROLE_PATIENCE, asked).await {
            Ok(Ok(admin)) => (admin.rights(), ROLE_REMEMBERED_FOR),
            Ok(Err(_)) | Err(_) => (given, ROLE_UNKNOWN_FOR),
        };
        roles.insert(given, (Instant::now() + known_for, rights));
        rights
    }

    async fn look(&self, visitor: &Visitor, mut visit: Visit) -> Answer {
        let Some(page) = Page::of(&visit.asked.path) else {
            if Act::of(&visit.asked.path).is_some() {
                return Answer::only("POST");
            }
            let trouble = Trouble::NoSuch(text::NO_SUCH_PAGE.to_owned());
            return shown::trouble(visitor, &visit, None, &trouble);
        };
        visit.sample = self.sampler.look().await;
        if let Page::Payload(id) = page {
            return match pages::payload(&visit, id).await {
                Ok(payload) => Answer::download(&format!("{id}.json"), payload),
                Err(trouble) => shown::trouble(visitor, &visit, Some(&page), &trouble),
            };
        }
        let made = self.cache.get(&page, &visit).await;
        match made {
            Ok(made) => shown::page(visitor, &visit, &page, &made),
            Err((trouble, last)) => match last {
                Some((at, last)) if trouble.is_away() => {
                    shown::stale(visitor, &visit, &page, &trouble, at, &last)
                }
                _ => shown::trouble(visitor, &visit, Some(&page), &trouble),
            },
        }
    }

    async fn act(&self, visitor: &Visitor, visit: Visit) -> Answer {
        let Some(act) = Act::of(&visit.asked.path) else { return Answer::only("GET") };
        let done = acts::run(&act, &visit).await;
        self.cache.forget();
        self.sampler.again();
        match done {
            Ok(Done::See(path)) if visit.asked.format == Format::Json => {
                let done = serde_json::json!({ "see": visit.link(&path) });
                Answer::json(StatusCode::OK, done.to_string())
            }
            Ok(Done::See(path)) => Answer::see(&visit.link(&path)),
            Ok(Done::Again(page, made)) => shown::page(visitor, &visit, &page, &made),
            Err(trouble) => shown::trouble(visitor, &visit, None, &trouble),
        }
    }
}

fn only_to_look(given: Rights) -> Rights {
    let looks = [Right::See, Right::SeeContents].into_iter().filter(|right| given.has(*right));
    looks.fold(Rights::NONE, Rights::and)
}
