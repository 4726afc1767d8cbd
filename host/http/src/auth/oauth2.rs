//! OAuth 2: client credentials, and refresh tokens.

use hygge_core::project::keys::Key;
use hygge_core::project::problem::Problems;
use indexmap::IndexMap;

use super::token::{Form, TokenSource, TokenUrl};
use super::{Kind, Place, Reads};
use crate::error::HttpError;
use crate::grant::Grant;
use crate::secret::Secret;

hygge_core::choices! {
    /// How a client says who it is.
    pub(super) enum ClientAuth {
        /// In the form, with everything else.
        Body = "body",
        /// As basic authorization.
        Header = "header",
    }
}

hygge_core::keys! {
    /// OAuth 2 client credentials: a token for a client and its secret.
    pub(super) struct ClientCredentials {
        /// Where tokens are given out.
        token_url: TokenUrl,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// What is asked for, separated by spaces.
        scope: Option<String>,
        /// For whom the token should be.
        audience: Option<String>,
        /// How the client says who it is: `body` or `header`. By default `body`.
        client_auth: ClientAuth = ClientAuth::Body,
        /// More fields of the form.
        params: Option<IndexMap<String, String>>,
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

hygge_core::keys! {
    /// OAuth 2 with a refresh token.
    pub(super) struct RefreshToken {
        /// Where tokens are given out.
        token_url: TokenUrl,
        /// The refresh token.
        refresh_token: Secret,
        /// The client.
        client_id: Option<String>,
        /// Its secret.
        client_secret: Option<Secret>,
        /// What is asked for, separated by spaces.
        scope: Option<String>,
        /// How the client says who it is: `body` or `header`. By default `body`.
        client_auth: ClientAuth = ClientAuth::Body,
        /// More fields of the form.
        params: Option<IndexMap<String, String>>,
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

impl Reads for ClientCredentials {
    fn kind(mut self, _: Place<'_>, _: &mut Problems) -> Option<(Kind, Option<Vec<Grant>>)> {
        let hosts = self.hosts.take();
        Some((Kind::Token(std::sync::Arc::new(self)), hosts))
    }
}

impl Reads for RefreshToken {
    fn kind(
        mut self,
        place: Place<'_>,
        problems: &mut Problems,
    ) -> Option<(Kind, Option<Vec<Grant>>)> {
        if self.client_secret.is_some() && self.client_id.is_none() {
            problems.add(place.span, "a `client_secret` needs its `client_id`");
            return None;
        }
        let hosts = self.hosts.take();
        Some((Kind::Token(std::sync::Arc::new(self)), hosts))
    }
}

impl TokenSource for ClientCredentials {
    fn url(&self) -> &TokenUrl {
        &self.token_url
    }

    fn form(&self, _: Option<&Secret>) -> Result<Form, HttpError> {
        let mut form = Form::new("client_credentials");
        form.add_some("scope", self.scope.as_deref());
        form.add_some("audience", self.audience.as_deref());
        add_all(&mut form, self.params.as_ref());
        add_client(&mut form, self.client_auth, &self.client_id, Some(&self.client_secret));
        Ok(form)
    }

    fn secrets(&self) -> Vec<Secret> {
        let both = format!("{}:{}", self.client_id, self.client_secret.reveal());
        vec![self.client_secret.clone(), Secret::new(both)]
    }

    fn described(&self) -> String {
        self.to_json().to_string()
    }

    fn refused(&self) -> &'static str {
        "check `client_id`, `client_secret` and `scope`"
    }
}

impl TokenSource for RefreshToken {
    fn url(&self) -> &TokenUrl {
        &self.token_url
    }

    fn form(&self, rotated: Option<&Secret>) -> Result<Form, HttpError> {
        let mut form = Form::new("refresh_token");
        form.add("refresh_token", rotated.unwrap_or(&self.refresh_token).reveal());
        form.add_some("scope", self.scope.as_deref());
        add_all(&mut form, self.params.as_ref());
        if let Some(client_id) = &self.client_id {
            add_client(&mut form, self.client_auth, client_id, self.client_secret.as_ref());
        }
        Ok(form)
    }

    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = vec![self.refresh_token.clone()];
        if let Some(secret) = &self.client_secret {
            let client_id = self.client_id.as_deref().unwrap_or_default();
            secrets.push(Secret::new(format!("{client_id}:{}", secret.reveal())));
            secrets.push(secret.clone());
        }
        secrets
    }

    fn described(&self) -> String {
        self.to_json().to_string()
    }

    fn refresh_token(&self) -> Option<&Secret> {
        Some(&self.refresh_token)
    }

    fn refused(&self) -> &'static str {
        "the refresh token may have been used up or withdrawn: get a new one"
    }
}

fn add_client(form: &mut Form, how: ClientAuth, id: &str, secret: Option<&Secret>) {
    match (how, secret) {
        (ClientAuth::Header, Some(secret)) => form.sign(id, secret),
        (_, secret) => {
            form.add("client_id", id);
            form.add_some("client_secret", secret.map(Secret::reveal));
        }
    }
}

fn add_all(form: &mut Form, params: Option<&IndexMap<String, String>>) {
    params.into_iter().flatten().for_each(|(name, value)| form.add(name, value));
}
