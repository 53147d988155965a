//! A person's browser: headless Chromium, driven over WebDriver.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use fantoccini::{
    Client, ClientBuilder, Locator, cookies::Cookie, elements::Element,
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use url::{ParseError, Url};

use crate::{
    portal::free_port,
    program::{Program, until},
};

/// How long a person waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

/// A browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    downloads: PathBuf,
    pictures: PathBuf,
    _driver: Program,
    _folder: TempDir,
}

impl Browser {
    /// Starts one; pictures of pages go to this folder.
    pub async fn start(scripts: Scripts, pictures: &Path) -> Result<Self> {
        std::fs::create_dir_all(pictures)?;
        let folder = TempDir::new()?;
        let downloads = folder.path().join("downloads");
        std::fs::create_dir(&downloads)?;
        let port = free_port()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let driver = Program::start(command, &folder.path().join("chromedriver.log"))?;
        let capabilities = capabilities(scripts, folder.path(), &downloads);
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let address = format!("http://127.0.0.1:{port}");
        let client = until("the browser to start", Duration::from_secs(30), async || {
            let mut builder = ClientBuilder::rustls()?;
            Ok(Some(builder.capabilities(capabilities.clone()).connect(&address).await?))
        })
        .await?;
        client.set_window_size(1280, 900).await?;
        let pictures = pictures.to_owned();
        Ok(Self { client, downloads, pictures, _driver: driver, _folder: folder })
    }

    /// Goes to an address.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("open {url}"))
    }

    /// The address it is at.
    pub async fn url(&self) -> Result<Url> {
        Ok(self.client.current_url().await?)
    }

    /// The page's text, as a person reads it.
    pub async fn text(&self) -> Result<String> {
        Ok(self.client.find(Locator::Css("body")).await?.text().await?)
    }

    /// Waits until the page says something.
    pub async fn wait_text(&self, expected: &str) -> Result<()> {
        until(&format!("the page to say {expected:?}"), PATIENCE, async || {
            let text = self.text().await?;
            if text.contains(expected) {
                return Ok(Some(()));
            }
            Err(anyhow::anyhow!("at {} it says: {text}", self.url().await?))
        })
        .await
    }

    /// Waits for an element.
    pub async fn find(&self, css: &str) -> Result<Element> {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(found) => Ok(found),
            Err(error) => {
                let complaints = self.complaints().await.unwrap_or_default();
                let (text, url) = (self.text().await.unwrap_or_default(), self.url().await?);
                let seen = format!("look for {css} at {url}; {complaints:?}; it says: {text}");
                Err(anyhow::Error::new(error).context(seen))
            }
        }
    }

    /// The text of an element.
    pub async fn text_of(&self, css: &str) -> Result<String> {
        Ok(self.find(css).await?.text().await?)
    }

    /// How many elements there are.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.client.find_all(Locator::Css(css)).await?.len())
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.find(css).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("type into {css}"))
    }

    /// Clicks, once the element can be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        until(&format!("a click on {css}"), PATIENCE, async || {
            let element = self.client.find(Locator::Css(css)).await?;
            if !element.is_enabled().await? {
                return Ok(None);
            }
            Ok(Some(element.click().await?))
        })
        .await
    }

    /// Follows the link with these words.
    pub async fn follow(&self, words: &str) -> Result<()> {
        let link = Locator::LinkText(words);
        let link = self.client.wait().at_most(PATIENCE).for_element(link).await;
        link.with_context(|| format!("look for the link {words:?}"))?.click().await?;
        Ok(())
    }

    /// Fills a form's fields by name and sends it.
    pub async fn submit(&self, action: &str, fields: &[(&str, &str)]) -> Result<()> {
        for (name, text) in fields {
            self.fill(&format!("form[action='{action}'] [name='{name}']"), text).await?;
        }
        self.click(&format!("form[action='{action}'] button[type='submit']")).await
    }

    /// The file that a download became.
    pub async fn downloaded(&self, ending: &str) -> Result<PathBuf> {
        until(&format!("a downloaded {ending} file"), PATIENCE, async || {
            let mut files = std::fs::read_dir(&self.downloads)?.filter_map(Result::ok);
            Ok(files
                .find_map(|it| Some(it.path()).filter(|it| it.to_string_lossy().ends_with(ending))))
        })
        .await
    }

    /// What the browser complained about since this was last asked, such as a script that the
    /// Content-Security-Policy stopped.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.client.issue_cmd(Log).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|it| it["level"] == "SEVERE");
        Ok(severe.filter_map(|it| it["message"].as_str().map(str::to_owned)).collect())
    }

    /// Keeps pictures of the page: wide and narrow, light and dark.
    pub async fn picture(&self, name: &str) -> Result<()> {
        for (look, scheme) in [("light", "light"), ("dark", "dark")] {
            let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
            self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await?;
            for (size, width, height) in [("wide", 1280, 900), ("narrow", 390, 844)] {
                let metrics = json!({
                    "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
                });
                self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
                let whole = json!({ "captureBeyondViewport": true, "format": "png" });
                let picture = self.devtools("Page.captureScreenshot", whole).await?;
                let picture = picture["data"].as_str().context("no picture")?.to_owned();
                let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, picture)?;
                std::fs::write(self.pictures.join(format!("{name}-{size}-{look}.png")), bytes)?;
            }
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await?;
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await?;
        Ok(())
    }

    /// A command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) -> Result<Value> {
        Ok(self.client.issue_cmd(DevTools { command, parameters }).await?)
    }

    /// Runs a script in the page and answers its value.
    pub async fn execute(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// The cookies that this page's site has set.
    pub async fn cookies(&self) -> Result<Vec<Cookie<'static>>> {
        Ok(self.client.get_all_cookies().await?)
    }

    /// Forgets who is signed in.
    pub async fn forget(&self) -> Result<()> {
        Ok(self.client.delete_all_cookies().await?)
    }

    /// Closes the browser.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

fn capabilities(scripts: Scripts, folder: &Path, downloads: &Path) -> Value {
    let mut preferences = json!({
        "download.default_directory": downloads,
        "download.prompt_for_download": false,
    });
    if scripts == Scripts::Off {
        preferences["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    json!({
        "browserName": "chrome",
        // A person who tries a portal with a certificate of its own making says yes to it.
        "acceptInsecureCerts": true,
        "unhandledPromptBehavior": "accept",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars",
                format!("--user-data-dir={}", folder.join("profile").display()),
            ],
            "prefs": preferences,
        },
    })
}

/// `POST /session/<id>/goog/cdp/execute` of ChromeDriver.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (Method::POST, Some(body.to_string()))
    }
}

/// `POST /session/<id>/se/log` of ChromeDriver.
#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
